import type { Phase } from "../../phases/features.ts";

/** The README's table of phases, in Markdown. */
export function phaseTable(phases: readonly Phase[]): string {
  const rows = phases.map((phase) => [
    `**${phase.number} ${phase.title}**`,
    sentence(phase.gives),
    phase.adds.map(sentence).join("<br>"),
    phase.retires.map(sentence).join("<br>") || "–",
  ]);
  const head = ["Phase", "What a user of the stack gets", "What it adds", "What it retires"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Puts text between a file's `<!-- name -->` and `<!-- /name -->`. */
export function fillIn(file: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [file.indexOf(begin), file.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`There is no ${begin} … ${end} to fill in`);
  return `${file.slice(0, from + begin.length)}\n\n${text}\n\n${file.slice(to)}`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
