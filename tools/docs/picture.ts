import type { Features, Phase } from "../../phases/features.ts";

/** Rows of the picture, from the outside in. */
const rows = [
  "internet",
  "edge locations",
  "public subnets",
  "private subnets",
  "isolated subnets",
  "regional services",
] as const;
type Row = (typeof rows)[number];

interface Part {
  readonly label: string;
  readonly note: string;
  readonly row: Row;
  /** How many are drawn behind each other. */
  readonly copies: number;
  /** Whether some requests end here, while the others go on from the part before. */
  readonly leaf?: true;
}

const panel = { width: 270, gap: 16, top: 64, rowHeight: 92 } as const;
const box = { width: 170, height: 52 } as const;
const margin = { left: 96, right: 16, bottom: 16 } as const;

/** Draws the phases side by side as an SVG: what stands in the way of a request, and in which subnets. */
export function drawPhases(phases: readonly Phase[]): string {
  const width = margin.left + phases.length * (panel.width + panel.gap) - panel.gap + margin.right;
  const height = panel.top + rows.length * panel.rowHeight + margin.bottom;
  const left = (index: number) => margin.left + index * (panel.width + panel.gap);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${describe(phases)}" font-family="system-ui, sans-serif">`,
    `<rect width="${width}" height="${height}" rx="12" fill="#fbfcfe"/>`,
    ...rows.map((row, index) => drawRow(row, index, width)),
    ...phases.map((phase, index) => drawPanel(phase, left(index))),
    "</svg>",
    "",
  ].join("\n");
}

function partsOf(features: Features): Part[] {
  const balancer: Part = { label: "Load balancer", note: "WAF, or network ACL", row: "public subnets", copies: 1 };
  const server: Part = { label: "Server", note: "EC2, fixed address", row: "public subnets", copies: 1 };
  const group: Part = { label: "Auto Scaling group", note: "way out through NAT", row: "private subnets", copies: 3 };
  const cloudFront: Part = { label: "CloudFront", note: "HTTPS, WAF, cache", row: "edge locations", copies: 1 };
  const bucket: Part = { label: "S3 bucket", note: "pictures", row: "edge locations", copies: 1, leaf: true };
  const dynamodb: Part = { label: "DynamoDB", note: "follows by a worker, live", row: "regional services", copies: 1 };
  const standby = features.database.standby;
  const note = standby ? "RDS, standby in a second zone" : "RDS, encrypted";
  return [
    { label: "Browser", note: "one address throughout", row: "internet", copies: 1 },
    ...(features.pictures === "served" ? [cloudFront, bucket] : []),
    ...(features.entry === "server" ? [] : [balancer]),
    features.fleet === "group" ? group : server,
    { label: "MySQL", note, row: "isolated subnets", copies: standby ? 2 : 1 },
    ...(features.dynamodb === "follows" ? [dynamodb] : []),
  ];
}

function drawRow(row: Row, index: number, width: number): string {
  const y = panel.top + index * panel.rowHeight;
  const line = `<line x1="8" x2="${width - 8}" y1="${y}" y2="${y}" stroke="#d5dce8" stroke-dasharray="3 4"/>`;
  const words = row.split(" ");
  const text = words.map((word, at) => `<tspan x="12" dy="${at === 0 ? 0 : 14}">${word}</tspan>`).join("");
  return `${line}<text y="${y + 36}" font-size="11" fill="#5b6880">${text}</text>`;
}

function drawPanel(phase: Phase, left: number): string {
  const parts = partsOf(phase.features);
  const places = parts.map((part) => placeOf(part, parts, left));
  const arrows = places
    .slice(1)
    .map((to, index) => drawArrow(places[parts[index]?.leaf ? index - 1 : index] as Place, to));
  const middle = left + panel.width / 2;
  return [
    `<rect x="${left}" y="8" width="${panel.width}" height="${panel.top - 8 + rows.length * panel.rowHeight}" rx="10" fill="none" stroke="#c3cddd"/>`,
    `<text x="${middle}" y="30" text-anchor="middle" font-size="15" font-weight="600" fill="#1d2b45">${phase.number} ${phase.title}</text>`,
    ...arrows,
    ...parts.map((part, index) => drawPart(part, places[index] as Place)),
  ].join("\n");
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Two parts in one row share its width. */
function placeOf(part: Part, parts: readonly Part[], left: number): Place {
  const neighbours = parts.filter((other) => other.row === part.row);
  const share = panel.width / neighbours.length;
  const width = Math.min(box.width, share - 16);
  const x = left + neighbours.indexOf(part) * share + (share - width) / 2;
  const y = panel.top + rows.indexOf(part.row) * panel.rowHeight + (panel.rowHeight - box.height) / 2;
  return { x, y, width };
}

function drawArrow(from: Place, to: Place): string {
  const sameRow = from.y === to.y;
  const [x1, y1] = sameRow ? [from.x + from.width, from.y + box.height / 2] : [centre(from), from.y + box.height];
  const [x2, y2] = sameRow ? [to.x, to.y + box.height / 2] : [centre(to), to.y];
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const wing = (turn: number) => `${round(x2 - 7 * Math.cos(angle + turn))},${round(y2 - 7 * Math.sin(angle + turn))}`;
  const head = `<polygon points="${round(x2)},${y2} ${wing(0.45)} ${wing(-0.45)}" fill="#5b78b5"/>`;
  return `<line x1="${round(x1)}" y1="${y1}" x2="${round(x2)}" y2="${y2}" stroke="#5b78b5" stroke-width="1.5"/>${head}`;
}

function drawPart(part: Part, { x, y, width }: Place): string {
  const middle = round(x + width / 2);
  const cards = Array.from({ length: part.copies }, (_, index) => {
    const shift = (part.copies - 1 - index) * 4;
    return `<rect x="${round(x + shift)}" y="${y + shift}" width="${round(width)}" height="${box.height}" rx="7" fill="#fff" stroke="#5b78b5"/>`;
  });
  return [
    ...cards,
    `<text x="${middle}" y="${y + 23}" text-anchor="middle" font-size="13" font-weight="600" fill="#1d2b45">${part.label}</text>`,
    `<text x="${middle}" y="${y + 40}" text-anchor="middle" font-size="10" fill="#5b6880">${part.note}</text>`,
  ].join("");
}

function describe(phases: readonly Phase[]): string {
  return phases.map(({ number, title, features }) => `Phase ${number}, ${title}: ${path(features)}`).join(". ");
}

function path(features: Features): string {
  return partsOf(features)
    .map(({ label, leaf }) => (leaf ? `${label} or` : label))
    .join(" to ")
    .replaceAll(" or to ", " or ");
}

const centre = (place: Place) => place.x + place.width / 2;
const round = (value: number) => Math.round(value * 10) / 10;
