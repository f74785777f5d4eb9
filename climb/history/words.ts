import type { Random } from "./random.ts";

export const firstNames = [
  "mira",
  "noah",
  "olga",
  "paul",
  "quinn",
  "rosa",
  "sami",
  "theo",
  "uma",
  "vera",
  "wim",
  "yuna",
];

const lastNames = ["Okafor", "Lindqvist", "김", "Moreau", "Tanaka", "O'Neill", "Şahin", "Novák", "Álvarez", "Haddad"];

const openings = [
  "First frost on the allotment,",
  "어제 산 책이",
  "Three trains cancelled today and",
  "Someone on the ferry told me that",
  "If you have never tried it:",
  "Small victory:",
  "Unpopular opinion,",
  "De retour à la maison,",
];

const middles = [
  "the kettle is older than I am",
  "rye bread needs more time than you think",
  "생각보다 재미있다",
  "the tests passed at the first try",
  "a heron stood on the bridge for an hour",
  "my neighbour plays the same song every night",
  "nobody reads the manual, and it shows",
];

const endings = ["", ".", "!", "… 🍂", ". More tomorrow.", ". 내일 또.", " 🌧🐈", " (photos soon)"];

export function aDisplayName(random: Random, firstName: string): string {
  return `${firstName[0]?.toUpperCase()}${firstName.slice(1)} ${random.pick(lastNames)}`;
}

export function aText(random: Random): string {
  return `${random.pick(openings)} ${random.pick(middles)}${random.pick(endings)}`;
}
