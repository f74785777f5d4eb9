import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Version } from "../../domain/version.ts";

/** One column of a MySQL row, and the attribute that holds its value in an item. */
export interface Column<T> {
  /**
   * The value as MySQL's driver or a binlog reader gives it, in the one form that it has here.
   *
   * @throws Error that says what is wrong with it
   */
  read(raw: unknown): T;
  /** Undefined where the item has no such attribute. */
  write(value: T): AttributeValue | undefined;
  parse(attribute: AttributeValue | undefined): T;
}

const maxUnsigned = 2n ** 64n - 1n;

/** Digits of a number that is within 64 bits for sure. */
const plainId = /^[1-9]\d{0,18}$/;

/** BIGINT UNSIGNED that names something: a decimal string, exact beyond 2^53. */
export function id(): Column<string> {
  return {
    // Nearly every id is in its form already, and they are most of what is read.
    read: (raw) => (typeof raw === "string" && plainId.test(raw) ? raw : String(unsigned(raw))),
    write: (value) => ({ S: value }),
    parse: (attribute) => present(attribute?.S),
  };
}

/** BIGINT UNSIGNED that orders changes. A number in the item, so that a condition can compare it: DynamoDB keeps 38 digits. */
export function version(): Column<Version> {
  return {
    read: unsigned,
    write: (value) => ({ N: String(value) }),
    parse: (attribute) => BigInt(present(attribute?.N)),
  };
}

/** Whole number up to 2^53: microseconds of a time until the year 2255, or a count. */
export function wholeNumber(): Column<number> {
  return {
    read(raw) {
      if (typeof raw === "number" && raw >= 0 && Number.isSafeInteger(raw)) return raw;
      const value = Number(unsigned(raw));
      if (!Number.isSafeInteger(value)) throw new Error(`${String(raw)} is beyond 2^53`);
      return value;
    },
    write: (value) => ({ N: String(value) }),
    parse: (attribute) => Number(present(attribute?.N)),
  };
}

/** TINYINT that is 0 or 1. */
export function flag(): Column<boolean> {
  return {
    read(raw) {
      if (raw === 0 || raw === 1) return raw === 1;
      const value = unsigned(raw);
      if (value > 1n) throw new Error(`${value} is neither 0 nor 1`);
      return value === 1n;
    },
    write: (value) => ({ BOOL: value }),
    parse: (attribute) => present(attribute?.BOOL),
  };
}

/** VARCHAR or TEXT in utf8mb4; "" is a value like any other. */
export function text(): Column<string> {
  return { read: readText, write: (value) => ({ S: value }), parse: (attribute) => present(attribute?.S) };
}

/** As {@link text}, where NULL is a value too: then there is no attribute. */
export function nullableText(): Column<string | null> {
  return {
    read: (raw) => (raw === null ? null : readText(raw)),
    write: (value) => (value === null ? undefined : { S: value }),
    parse: (attribute) => attribute?.S ?? null,
  };
}

/**
 * VARBINARY, or with a length BINARY.
 *
 * @param length bytes of a BINARY column: the binlog leaves out zeros at the end, which are put back here
 */
export function binary(length?: number): Column<Buffer> {
  return {
    read(raw) {
      if (!(raw instanceof Uint8Array)) throw new Error(`${describe(raw)} is not binary`);
      if (length === undefined) return Buffer.from(raw);
      if (raw.length > length) throw new Error(`${raw.length} bytes don't fit ${length}`);
      return Buffer.concat([raw], length);
    },
    write: (value) => ({ B: value }),
    parse: (attribute) => Buffer.from(present(attribute?.B)),
  };
}

function unsigned(raw: unknown): bigint {
  const isWhole =
    typeof raw === "bigint" ||
    (typeof raw === "number" && Number.isSafeInteger(raw)) ||
    (typeof raw === "string" && /^\d{1,20}$/.test(raw));
  // A number beyond 2^53 has lost digits before it came here.
  if (!isWhole) throw new Error(`${describe(raw)} is not a whole number that is known to every digit`);
  const value = BigInt(raw);
  if (value < 0n || value > maxUnsigned) throw new Error(`${value} is not within 64 bits`);
  return value;
}

function readText(raw: unknown): string {
  if (typeof raw !== "string") throw new Error(`${describe(raw)} is not text`);
  if (!raw.isWellFormed()) throw new Error("it is not valid Unicode");
  return raw;
}

function describe(raw: unknown): string {
  if (raw === undefined) return "nothing";
  if (raw === null) return "NULL";
  return `${typeof raw} ${String(raw).slice(0, 40)}`;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the attribute is missing, or of another type");
  return value;
}
