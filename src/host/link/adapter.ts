import { limits } from "../../base/limits.ts";
import { quoted } from "./code.ts";
import { moveOutcome } from "./compound.ts";
import {
  bindings,
  Draft,
  type End,
  enter,
  entries,
  type Lifted,
  leave,
  resultKind,
  sideOf,
} from "./draft.ts";
import { move } from "./move.ts";
import type { Side } from "./place.ts";
import { runtime } from "./runtime.ts";
import type { Callable, ComponentInstance, ResourceType } from "./state.ts";
import { type FuncType, type Of, structure } from "./type.ts";

// The three functions that stand at component borders, generated per signature: the host calls a guest, a guest
// calls the host, a guest calls a guest. Source text is generated rather than closures composed: among sixteen
// signatures in use, a generated `add(u32, u32)` took 12 to 17 ns under JSC, one composed of a closure a value 32 to 35.

/** How a host's function is called. */
export type HostCall =
  | { readonly form: "function"; readonly target: Callable; readonly views?: boolean }
  | { readonly form: "construct"; readonly target: Callable }
  /** On the first argument. */
  | { readonly form: "method"; readonly member: string };

interface Environment {
  readonly resources: readonly ResourceType[];
  readonly entering?: readonly ComponentInstance[];
  readonly core?: Callable | undefined;
  readonly postReturn?: Callable | undefined;
  readonly host?: Callable | undefined;
  readonly [name: string]: unknown;
}

type Factory = (K: typeof runtime, E: Environment) => (...args: never[]) => unknown;

/** Compiled factories by what they were generated for; code holds no state, so sharing it shares nothing. */
const factories = new Map<string, Factory>();

const factoryFor = (key: string, generate: () => string): Factory => {
  let factory = factories.get(key);
  if (!factory) {
    factory = new Function("K", "E", generate()) as Factory;
    if (factories.size >= limits.adaptersMax) factories.delete(factories.keys().next().value!);
    factories.set(key, factory);
  }
  return factory;
};

/** The function's structure and its resources, with which of them each end implements. */
const signature = (type: FuncType, ends: readonly (End | undefined)[]) => {
  const resources: ResourceType[] = [];
  const types = [...type.params.map((param) => param.type), type.result];
  const text = types.map((one) => structure(one, resources)).join(";");
  const local = ends.map((end) =>
    end ? resources.map(({ implementer }) => (implementer === end.instance ? 1 : 0)).join("") : "",
  );
  const options = ends.map((end) => end?.encoding ?? "").join();
  return { key: `${text}|${local}|${options}`, resources };
};

// ── the host calls a guest ───────────────────────────────────────────────────────────────────────────────

/**
 * A lifted function as the host calls it: arguments and result in the JS mapping; a `result`'s err is thrown.
 * A method takes its first argument from `this`.
 */
export const hostToGuest = (
  type: FuncType,
  lifted: Lifted,
  method: boolean,
): ((...args: unknown[]) => unknown) => {
  const entering = lifted.instance.entering(undefined);
  const { key, resources } = signature(type, [lifted]);
  const flags = `${lifted.postReturn ? "p" : ""}${lifted.suspends ? "s" : ""}${lifted.memory ? "m" : ""}${method ? "t" : ""}`;
  const factory = factoryFor(`export|${key}|${flags}|${entering.length}`, () =>
    writeExport(type, lifted, resources, entering.length, method),
  );
  const { core, postReturn } = lifted;
  return factory(runtime, { resources, entering, core, postReturn, ...bindings("0", lifted) }) as never;
};

const writeExport = (
  type: FuncType,
  lifted: Lifted,
  resources: readonly ResourceType[],
  depth: number,
  method: boolean,
): string => {
  const draft = new Draft(type, resources, lifted.suspends);
  draft.first = lifted;
  const side = sideOf("0", lifted);
  const entering = entries(draft, depth);
  const args = type.params.map((_, i) => `a${i}`);
  // A host's value that does not fit is found before the guest runs, and then the guest is as it was.
  const guarded = draft.params.some((param) => param.nodes > 1 || param.kind === "string");
  const lower = () => draft.lowerParams(side, (at) => ({ kind: "js", value: args[at]! }));
  if (method) draft.line("const a0 = this;");
  draft.open();
  let values: string[];
  if (guarded) {
    enter(draft, entering);
    draft.line("let inside = false;");
    draft.line("try {");
    values = lower();
    draft.line("inside = true;");
  } else {
    values = lower();
    enter(draft, entering);
    draft.line("try {");
  }
  const call = `${lifted.suspends ? "await " : ""}core(${values.join(", ")})`;
  draft.line(type.result ? `const answer = ${call};` : `${call};`);
  if (draft.borrows) draft.line("scope.end();");
  draft.refresh(lifted);
  finishExport(draft, side, lifted, entering);
  draft.line("} catch (error) {");
  if (guarded) {
    const undone = entering.map((name) => `${name}.entered = false;`).join(" ");
    draft.line(`if (!inside && error instanceof TypeError) { ${undone} throw error; }`);
  }
  draft.line(`${failsWith(type)}K.guestThrew(error, true); }`);
  const names = ["resources", "entering", "core", "postReturn", "memory0", "realloc0", "instance0"];
  const async = lifted.suspends ? "async " : "";
  if (method) return draft.factory(names, `${async}function (${args.slice(1).join(", ")})`);
  return draft.factory(names, `${async}(${args.join(", ")}) =>`);
};

/** A declared err is thrown inside, and is no failure of the guest. */
const failsWith = (type: FuncType): string =>
  resultKind(type) ? "if (error instanceof K.DeclaredError) throw error; " : "";

const finishExport = (draft: Draft, side: Side, lifted: Lifted, entering: readonly string[]): void => {
  const { type, moving, code } = draft;
  const result = resultKind(type);
  let value = "undefined";
  let failed = "";
  if (result) {
    const source = draft.guestResult(side, "answer");
    const lift = liftOutcome(draft, result, source);
    value = lift.value;
    failed = lift.failed;
  } else if (type.result) {
    value = code.bind(move(moving, type.result, draft.guestResult(side, "answer"), { kind: "js" })[0]!);
  }
  if (draft.borrows) draft.line("K.giveBack(lent);");
  draft.afterReturn(side, lifted.postReturn !== undefined, "answer");
  leave(draft, entering);
  if (result) draft.line(`if (${failed}) throw K.declared(${value});`);
  if (type.result) draft.line(`return ${value};`);
};

/** A top-level `result`: which case it is, and its payload. */
const liftOutcome = (
  draft: Draft,
  result: Of<"result">,
  source: Parameters<typeof move>[2],
): { value: string; failed: string } => {
  const { code, moving } = draft;
  const outcome = code.bind(move(moving, result, source, { kind: "js" })[0]!);
  return { value: `${outcome}.val`, failed: `${outcome}.tag === "err"` };
};

// ── a guest calls the host ───────────────────────────────────────────────────────────────────────────────

/** A host's function as a core function of the guest that imports it. Suspending ones may give a promise. */
export const guestToHost = (
  name: string,
  type: FuncType,
  end: End,
  call: HostCall,
  suspends: boolean,
): ((...args: never[]) => unknown) => {
  const { key, resources } = signature(type, [end]);
  const member = call.form === "method" ? quoted(call.member) : "";
  const views = call.form === "function" && call.views ? "v" : "";
  const flags = `${call.form}${member}${views}${suspends ? "s" : ""}${end.memory ? "m" : ""}`;
  const factory = factoryFor(`import|${key}|${flags}`, () =>
    writeImport(type, end, resources, call, suspends),
  );
  const host = call.form === "method" ? undefined : call.target;
  return factory(runtime, { resources, host, name, ...bindings("0", end) });
};

const writeImport = (
  type: FuncType,
  end: End,
  resources: readonly ResourceType[],
  call: HostCall,
  suspends: boolean,
): string => {
  const draft = new Draft(type, resources, suspends);
  draft.first = end;
  const side = sideOf("0", end);
  const { names, cursor } = draft.coreParams(draft.spills);
  draft.line("if (!instance0.mayLeave) K.cannotLeave();");
  draft.refresh(end);
  draft.open();
  const from = draft.guestParams(cursor, side);
  const moving = { ...draft.moving, views: call.form === "function" && call.views === true };
  const args = draft.params.map((param, at) =>
    draft.code.bind(move(moving, param, from(at), { kind: "js" })[0]!),
  );
  const called = callText(call, args);
  if (suspends) writeSuspendingCall(draft, side, called);
  else writeCall(draft, side, called);
  const bound = ["resources", "host", "name", "memory0", "realloc0", "instance0"];
  return draft.factory(bound, `(${names.join(", ")}) =>`);
};

const callText = (call: HostCall, args: readonly string[]): string => {
  if (call.form === "construct") return `new host(${args.join(", ")})`;
  if (call.form === "function") return `host(${args.join(", ")})`;
  const [self, ...rest] = args;
  return `${self}[${quoted(call.member)}](${rest.join(", ")})`;
};

const writeCall = (draft: Draft, side: Side, call: string): void => {
  const { type } = draft;
  if (resultKind(type)) {
    draft.line("let value, failed = false;");
    draft.line(`try { value = ${call}; } catch (error) { value = K.errPayload(error); failed = true; }`);
  } else {
    draft.line("let value;");
    draft.line(`try { value = ${call}; } catch (error) { K.hostThrew(error); }`);
  }
  if (!type.result) draft.line("if (value instanceof Promise) K.answeredLate(name);");
  if (draft.borrows) draft.line("K.giveBack(lent);");
  lowerAnswer(draft, side);
};

/** Refreshes, because the host may have called back or grown the memory, and lowers `value`. */
const lowerAnswer = (draft: Draft, side: Side): void => {
  const { type, moving } = draft;
  if (!type.result) return;
  draft.refresh(draft.first!);
  const target = draft.resultTarget(side);
  const result = resultKind(type);
  const flat = result
    ? moveOutcome(moving, result, "failed", "value", target)
    : move(moving, type.result, { kind: "js", value: "value" }, target);
  if (flat.length > 0) draft.line(`return ${flat[0]};`);
};

const writeSuspendingCall = (draft: Draft, side: Side, call: string): void => {
  const hasResult = resultKind(draft.type) !== undefined;
  draft.line("const finish = (value, failed) => {");
  if (draft.borrows) draft.line("K.giveBack(lent);");
  lowerAnswer(draft, side);
  draft.line("};");
  draft.line("let answer;");
  draft.line("const { era } = instance0;");
  const refused = hasResult ? "finish(K.errPayload(error), true)" : "K.hostThrew(error)";
  draft.line(`try { answer = ${call}; } catch (error) { return ${refused}; }`);
  draft.line("if (answer instanceof Promise)");
  const woken = (work: string) => `instance0.era === era ? ${work} : K.never()`;
  draft.line(
    `return answer.then((value) => ${woken("finish(value, false)")}, (error) => ${woken(refused)});`,
  );
  draft.line("return finish(answer, false);");
};

// ── a guest calls a guest ────────────────────────────────────────────────────────────────────────────────

/**
 * A lifted function as a core function of another guest: values go from memory to memory. Gives a promise where
 * the callee may suspend.
 */
export const guestToGuest = (
  type: FuncType,
  caller: End,
  lifted: Lifted,
): ((...args: never[]) => unknown) => {
  const entering = lifted.instance.entering(caller.instance);
  const { key, resources } = signature(type, [caller, lifted]);
  const flags = [lifted.postReturn, lifted.suspends, lifted.memory, caller.memory].map(Boolean).join();
  const factory = factoryFor(`fused|${key}|${flags}|${entering.length}`, () =>
    writeFused(type, caller, lifted, resources, entering.length),
  );
  const { core, postReturn } = lifted;
  const ends = { ...bindings("0", caller), ...bindings("1", lifted) };
  return factory(runtime, { resources, entering, core, postReturn, ...ends });
};

const writeFused = (
  type: FuncType,
  caller: End,
  lifted: Lifted,
  resources: readonly ResourceType[],
  depth: number,
): string => {
  const draft = new Draft(type, resources, lifted.suspends);
  draft.first = caller;
  const [outer, inner] = [sideOf("0", caller), sideOf("1", lifted)];
  const entering = entries(draft, depth);
  const { names, cursor } = draft.coreParams(draft.spills);
  draft.line("if (!instance0.mayLeave) K.cannotLeave();");
  enter(draft, entering);
  draft.refresh(caller);
  draft.open();
  draft.line("try {");
  const values = draft.lowerParams(inner, draft.guestParams(cursor, outer));
  const call = `${lifted.suspends ? "await " : ""}core(${values.join(", ")})`;
  draft.line(type.result ? `const answer = ${call};` : `${call};`);
  if (draft.borrows) draft.line("scope.end();");
  draft.refresh(lifted);
  draft.refresh(caller);
  let flat: string[] = [];
  if (type.result) {
    const source = draft.guestResult(inner, "answer");
    flat = move(draft.moving, type.result, source, draft.resultTarget(outer)).map((value) =>
      draft.code.bind(value),
    );
  }
  if (draft.borrows) draft.line("K.giveBack(lent);");
  draft.afterReturn(inner, lifted.postReturn !== undefined, "answer");
  leave(draft, entering);
  if (flat.length > 0) draft.line(`return ${flat[0]};`);
  draft.line("} catch (error) { K.guestThrew(error, false); }");
  const bound = ["resources", "entering", "core", "postReturn"];
  for (const id of ["0", "1"]) bound.push(`memory${id}`, `realloc${id}`, `instance${id}`);
  return draft.factory(bound, `${lifted.suspends ? "async " : ""}(${names.join(", ")}) =>`);
};
