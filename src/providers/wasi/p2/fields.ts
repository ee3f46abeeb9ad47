import { declared } from "../../../base/fault.ts";
import { type FieldList, isFieldName, isFieldValue, isOfConnection } from "../state/fields.ts";
import { Handle } from "../state/handles.ts";
import type { Held } from "./io.ts";

/** `fields` of wasi:http/types. */
export class Fields extends Handle {
  readonly list: FieldList;
  readonly #mutable: boolean;
  protected readonly held: Held;
  /** The outgoing request whose fields these are, or are a clone of. */
  readonly origin: object | undefined;

  constructor(held: Held, list: FieldList, mutable: boolean, origin?: object) {
    super(held.handles);
    this.held = held;
    this.list = list;
    this.#mutable = mutable;
    this.origin = origin;
  }

  get(name: string): Uint8Array[] {
    return isFieldName(name) ? this.list.get(name) : [];
  }

  has(name: string): boolean {
    return isFieldName(name) && this.list.has(name);
  }

  set(name: string, values: readonly Uint8Array[]): void {
    this.#checkMutable();
    for (const value of values) checkField(name, value);
    checkName(name);
    this.list.delete(name);
    for (const value of values) this.list.append(name, value.slice());
  }

  delete(name: string): void {
    this.#checkMutable();
    checkName(name);
    this.list.delete(name);
  }

  append(name: string, value: Uint8Array): void {
    this.#checkMutable();
    checkField(name, value);
    this.list.append(name, value.slice());
  }

  entries(): [string, Uint8Array][] {
    return this.list.entries.map(({ name, value }) => [name, value]);
  }

  clone(): Fields {
    return new Fields(this.held, this.list.clone(), true, this.origin);
  }

  #checkMutable(): void {
    if (!this.#mutable) throw declared({ tag: "immutable" });
  }
}

const checkName = (name: string): void => {
  if (!isFieldName(name)) throw declared({ tag: "invalid-syntax" });
  if (isOfConnection(name)) throw declared({ tag: "forbidden" });
};

export const checkField = (name: string, value: Uint8Array): void => {
  checkName(name);
  if (!isFieldValue(value)) throw declared({ tag: "invalid-syntax" });
};
