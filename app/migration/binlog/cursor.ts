/** Reads one value after another from bytes. */
export class Cursor {
  readonly bytes: Buffer;
  offset: number;

  constructor(bytes: Buffer, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.bytes.length;
  }

  /** Whole number of 1 to 6 bytes, low byte first. */
  number(length: number): number {
    const value = length === 1 ? this.bytes.readUInt8(this.offset) : this.bytes.readUIntLE(this.offset, length);
    this.offset += length;
    return value;
  }

  /** As {@link number}, of which the highest bit is the sign. */
  signed(length: number): number {
    const value = this.bytes.readIntLE(this.offset, length);
    this.offset += length;
    return value;
  }

  /** 64 bits: a number while it is exact, else a decimal string. */
  unsigned64(): number | string {
    const high = this.bytes.readUInt32LE(this.offset + 4);
    if (high >= 2 ** 21) return String(this.bigint());
    const low = this.bytes.readUInt32LE(this.offset);
    this.offset += 8;
    return high * 2 ** 32 + low;
  }

  bigint(): bigint {
    const value = this.bytes.readBigUInt64LE(this.offset);
    this.offset += 8;
    return value;
  }

  /** The protocol's number of variable length. */
  packed(): number {
    const first = this.number(1);
    if (first < 0xfb) return first;
    if (first === 0xfc) return this.number(2);
    if (first === 0xfd) return this.number(3);
    if (first === 0xfe) return Number(this.bigint());
    throw new RangeError(`no length begins with ${first}`);
  }

  /** A part of the same memory. */
  slice(length: number): Buffer {
    if (this.offset + length > this.bytes.length) throw new RangeError("an event ends before its contents do");
    const part = this.bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    return part;
  }

  text(length: number): string {
    if (this.offset + length > this.bytes.length) throw new RangeError("an event ends before its contents do");
    const text = this.bytes.toString("utf8", this.offset, this.offset + length);
    this.offset += length;
    return text;
  }
}
