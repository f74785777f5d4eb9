import type { Features } from "./features.ts";

/**
 * What a stack that has come down keeps of higher phases: everything that holds people's data. Only its users go.
 *
 * @param highest what the stack had in the highest phase it ever stood at; undefined when this program doesn't know it
 */
export function withKept(features: Features, highest: Features | undefined): Features {
  const hadPictures = highest !== undefined && highest.pictures !== "none";
  const hadTables = highest !== undefined && highest.dynamodb !== "none";
  return {
    ...features,
    ...(features.pictures === "none" && hadPictures ? { pictures: "kept" } : {}),
    ...(features.dynamodb === "none" && hadTables ? { dynamodb: "kept" } : {}),
  };
}
