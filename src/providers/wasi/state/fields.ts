import { fault } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";

export interface Field {
  readonly name: string;
  readonly value: Uint8Array;
}

/** A field's name as RFC 9110 has it: a token. */
export const isFieldName = (name: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);

/** No control characters but the tab: none that could end a line on the wire. */
export const isFieldValue = (value: Uint8Array): boolean =>
  value.every((byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 0x09);

/**
 * Fields of the connection and not of the message: the host's own business (RFC 9110, 7.6.1). `host` is said
 * through the authority.
 */
const ofConnection = new Set([
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

export const isOfConnection = (name: string): boolean => ofConnection.has(name.toLowerCase());

/** A list of fields in order; names are compared without regard to case. Fault LK0204 beyond the limits. */
export class FieldList {
  #fields: Field[] = [];
  #bytes = 0;

  static of(fields: Iterable<Field>): FieldList {
    const made = new FieldList();
    for (const field of fields) made.append(field.name, field.value);
    return made;
  }

  get entries(): readonly Field[] {
    return this.#fields;
  }

  get(name: string): Uint8Array[] {
    const wanted = name.toLowerCase();
    return this.#fields.filter((field) => field.name.toLowerCase() === wanted).map(({ value }) => value);
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.#fields.some((field) => field.name.toLowerCase() === wanted);
  }

  /** How a name is written that is there already. */
  spelling(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.#fields.find((field) => field.name.toLowerCase() === wanted)?.name;
  }

  append(name: string, value: Uint8Array): void {
    this.#bytes += sizeOf(name, value);
    if (this.#bytes > limits.fieldsBytesMax || this.#fields.length >= limits.fieldsMax)
      throw fault(
        "LK0204",
        `HTTP fields came to more than ${limits.fieldsMax} or ${limits.fieldsBytesMax} bytes, the limits`,
      );
    this.#fields.push({ name, value });
  }

  delete(name: string): void {
    const wanted = name.toLowerCase();
    this.#fields = this.#fields.filter((field) => field.name.toLowerCase() !== wanted);
    this.#bytes = this.#fields.reduce((sum, field) => sum + sizeOf(field.name, field.value), 0);
  }

  clone(): FieldList {
    return FieldList.of(this.#fields);
  }

  /** The length of the body that is announced; undefined where none is, NaN where it makes no sense. */
  contentLength(): number | undefined {
    const values = this.get("content-length").map((value) => latin(value).trim());
    if (values.length === 0) return undefined;
    const same = values.every((value) => value === values[0]);
    return same && /^\d{1,15}$/.test(values[0]!) ? Number(values[0]) : Number.NaN;
  }
}

const sizeOf = (name: string, value: Uint8Array): number => name.length + value.length + 4;

/** Bytes as the characters of their numbers, as HTTP's heads are written. */
export const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

export const unlatin = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));
