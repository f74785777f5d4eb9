/** An archive with one file of text, as the engine sends it. */
export function archive(text: string) {
  const [signature, asset] = ["4dabf18193072939515e22adb298388d", "c44067f5952c0a294b673a41bacd8c17"];
  const assets = { "index.mjs": { [signature]: asset, text } };
  return { [signature]: "0def7320c3a5731c473e5ecbe6d01bc7", assets };
}
