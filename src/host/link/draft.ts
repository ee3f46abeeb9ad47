import type { StringEncoding } from "../../contract/binary/ast.ts";
import { Code } from "./code.ts";
import type { Memory, Reallocate } from "./memory.ts";
import { move } from "./move.ts";
import { FlatCursor, instanceOf, type Moving, memoryOf, reallocOf, type Side, type Target } from "./place.ts";
import type { Callable, ComponentInstance, ResourceType } from "./state.ts";
import { type FuncType, flatRow, type Of, tupleOf, type ValueType } from "./type.ts";

// What the three kinds of adapter share while their code is written: parameters and results of the core function,
// spilled or flat, post-return, and the marks of who is inside.

/** What `canon lift` or `canon lower` fixes for one end of a call. */
export interface End {
  readonly instance: ComponentInstance;
  readonly encoding: StringEncoding;
  readonly memory: Memory | undefined;
  readonly realloc: Reallocate | undefined;
}

/** A guest's function behind `canon lift`. */
export interface Lifted extends End {
  readonly core: Callable;
  readonly postReturn: Callable | undefined;
  /** Whether `core` gives a promise (JSPI). */
  readonly suspends: boolean;
}

export const sideOf = (id: string, end: End): Side => ({
  id,
  instance: end.instance,
  encoding: end.encoding,
});

export const bindings = (id: string, end: End) => ({
  [`memory${id}`]: end.memory,
  [`realloc${id}`]: end.realloc,
  [`instance${id}`]: end.instance,
});

/** One adapter being written: its code and what all three kinds share. */
export class Draft {
  readonly code = new Code();
  readonly type: FuncType;
  readonly moving: Moving;
  readonly params: readonly ValueType[];
  readonly borrows: boolean;
  readonly suspends: boolean;

  constructor(type: FuncType, resources: readonly ResourceType[], suspends: boolean) {
    this.type = type;
    this.params = type.params.map((param) => param.type);
    this.borrows = this.params.some((param) => param.handles);
    this.suspends = suspends;
    this.moving = {
      code: this.code,
      move,
      resources,
      lent: this.borrows ? "lent" : "undefined",
      scope: this.borrows ? "scope" : "undefined",
    };
  }

  line(text: string): void {
    this.code.line(text);
  }

  open(): void {
    if (!this.borrows) return;
    this.line("const lent = [];");
    this.line("const scope = K.newScope();");
  }

  refresh(end: End): void {
    const id = end === this.first ? "0" : "1";
    if (end.memory) this.line(`if (memory${id}.u8.length === 0) memory${id}.refresh();`);
  }

  first: End | undefined;

  /** The core parameters of a lowered function: their names, with a pointer for spilled results at the end. */
  coreParams(resultSpills: boolean): { names: string[]; cursor: FlatCursor } {
    const flat = flatRow(this.params) ?? ["i32" as const];
    const values = flat.map((core, i) => ({ name: `c${i}`, core }));
    const names = values.map(({ name }) => name);
    if (resultSpills) names.push("into");
    return { names, cursor: new FlatCursor(values) };
  }

  /** Where a lowered function's parameters come from: core values, or memory where they are too many. */
  guestParams(cursor: FlatCursor, side: Side): (at: number) => Parameters<typeof move>[2] {
    if (flatRow(this.params)) return () => ({ kind: "flat", side, cursor });
    const tuple = tupleOf(this.params) as Of<"tuple">;
    const pointer = this.code.bind(`${cursor.next("i32")} >>> 0`, "p");
    this.line(`K.spillRange(${memoryOf(side)}, ${pointer}, ${tuple.size}, ${tuple.alignment});`);
    const offsets = offsetsOf(this.params);
    return (at) => ({ kind: "memory", side, base: pointer, offset: offsets[at]! });
  }

  /** Lowers all parameters into a guest and gives the core call's arguments. */
  lowerParams(side: Side, from: (at: number) => Parameters<typeof move>[2]): string[] {
    if (flatRow(this.params))
      return this.params.flatMap((type, at) => move(this.moving, type, from(at), { kind: "flat", side }));
    const tuple = tupleOf(this.params);
    const pointer = this.code.bind(`${reallocOf(side)}(0, 0, ${tuple.alignment}, ${tuple.size})`, "p");
    const offsets = offsetsOf(this.params);
    for (const [at, type] of this.params.entries())
      move(this.moving, type, from(at), { kind: "memory", side, base: pointer, offset: offsets[at]! });
    return [pointer];
  }

  /** Whether a result takes more than one core value and so goes through memory. */
  get spills(): boolean {
    const { result } = this.type;
    return result !== undefined && (result.flat?.length ?? 2) > 1;
  }

  /** Where a guest's result is, `answer` being what its core function gave. */
  guestResult(side: Side, answer: string): Parameters<typeof move>[2] {
    const result = this.type.result!;
    if (!this.spills) {
      const cursor = new FlatCursor([{ name: answer, core: result.flat![0]! }]);
      return { kind: "flat", side, cursor };
    }
    const pointer = this.code.bind(`${answer} >>> 0`, "p");
    this.line(`K.spillRange(${memoryOf(side)}, ${pointer}, ${result.size}, ${result.alignment});`);
    return { kind: "memory", side, base: pointer, offset: 0 };
  }

  /** Where a lowered function's result goes. */
  resultTarget(side: Side): Target {
    if (!this.spills) return { kind: "flat", side };
    const result = this.type.result!;
    const pointer = this.code.bind("into >>> 0", "p");
    this.line(`K.spillRange(${memoryOf(side)}, ${pointer}, ${result.size}, ${result.alignment});`);
    return { kind: "memory", side, base: pointer, offset: 0 };
  }

  afterReturn(side: Side, hasPostReturn: boolean, answer: string): void {
    if (!hasPostReturn) return;
    this.line(`${instanceOf(side)}.mayLeave = false;`);
    this.line(`postReturn(${this.type.result ? answer : ""});`);
    this.line(`${instanceOf(side)}.mayLeave = true;`);
  }

  /** The factory's body: `names` are taken from the environment. */
  factory(names: readonly string[], head: string): string {
    const { outside, inside } = this.code.text();
    return `"use strict";
const { ${names.join(", ")} } = E;
${outside}
return ${head} {
${inside}
};`;
  }
}

const offsetsOf = (types: readonly ValueType[]): number[] => {
  let at = 0;
  return types.map((type) => {
    at = Math.ceil(at / type.alignment) * type.alignment;
    at += type.size;
    return at - type.size;
  });
};

const enterNames = (count: number) => Array.from({ length: count }, (_, i) => `entering[${i}]`);

/** Reentrance checks; the flags stay set on a throw, which poisons what was entered. */
export const enter = (draft: Draft, entering: readonly string[]): void => {
  for (const name of entering) draft.line(`if (${name}.entered) K.cannotEnter();`);
  for (const name of entering) draft.line(`${name}.entered = true;`);
};

export const leave = (draft: Draft, entering: readonly string[]): void => {
  for (const name of entering) draft.line(`${name}.entered = false;`);
};

/** `entering` bound to names, as constants of the factory. */
export const entries = (draft: Draft, count: number): string[] =>
  enterNames(count).map((name) => draft.code.constant(name));

export const resultKind = (type: FuncType): Of<"result"> | undefined =>
  type.result?.kind === "result" ? (type.result as Of<"result">) : undefined;
