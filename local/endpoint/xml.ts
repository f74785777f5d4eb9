/** A tree that becomes XML: nested elements by name; a list becomes `member` elements, as AWS's query APIs have it. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml };

/** Writes a document with one root element. */
export function toXml(root: string, namespace: string, content: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}">${write(content)}</${root}>`;
}

function write(value: Xml, itemName = "member"): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map((item: Xml) => `<${itemName}>${write(item)}</${itemName}>`).join("");
  if (typeof value === "object") {
    return Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => `<${name}>${write(inner as Xml, listItems[name])}</${name}>`)
      .join("");
  }
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Lists whose elements have names of their own. */
const listItems: Record<string, string> = {
  ResourceRecordSets: "ResourceRecordSet",
  ResourceRecords: "ResourceRecord",
};
