import { type DeclaredError, declared, type Fault, fault } from "../base/fault.ts";
import { camel, type Func, type Interface, pascal, type Type, unversioned } from "../contract/model.ts";
import { ownResources } from "../contract/outline.ts";
import type { InterfaceImplementation } from "./provider.ts";

/** How a person grants an interface to this instance; the composition root knows the flag and the table. */
export type GrantHint = (interfaceName: string) => string | undefined;

/**
 * Stands where a denied or absent interface would be: the component links and starts, and only a call into
 * the denied interface fails. It fails the WIT's own way where the function's error type has a case for it, and
 * `onDenied` is told; otherwise it traps with the capability's name. A guest that never uses it runs.
 */
export const deniedInterface = (
  denied: Interface,
  reason: string,
  hint: GrantHint,
  onDenied: (called: string) => void = () => {},
): InterfaceImplementation => {
  const deny = (func: Func) => {
    const called = `${unversioned(denied.name)}#${func.name}`;
    return () => {
      // Asked when it is called: the types of what a component only imports are not read for it to start.
      const payload = errOf(func, denialCases, `${called} was called, and ${reason}`);
      if (payload === undefined)
        throw fault("LK0701", `The component called ${called}, and ${reason}`, { hint: hint(denied.name) });
      onDenied(called);
      throw declared(payload);
    };
  };
  const implementation: Record<string, unknown> = {};
  // A resource of another interface is that one's class, denied or not, and a second class would be another resource.
  for (const name of ownResources(denied)) implementation[pascal(name)] = class {};
  for (const func of denied.funcs.values()) placeFunc(implementation, func, deny(func));
  return implementation;
};

/** How interfaces spell a denial: WASI sockets, filesystem and HTTP, and loop's own. */
const denialCases = ["access-denied", "not-permitted", "denied", "HTTP-request-denied"];

/**
 * The err, in the JS mapping, by which a function can say one of these things, the first that it has a case for;
 * undefined where it cannot.
 */
export const errOf = ({ result }: Func, cases: readonly string[], message: string): unknown => {
  const err = result?.kind === "result" ? result.err : undefined;
  if (err?.kind === "enum") return cases.find((name) => err.cases.includes(name));
  if (err?.kind !== "variant") return undefined;
  const known = cases.flatMap((name) => err.cases.filter((one) => one.name === name));
  const found = known.find(({ type }) => isText(type));
  return found && (found.type ? { tag: found.name, val: message } : { tag: found.name });
};

/** How interfaces say that what an object stood for is gone: WASI's streams, files, sockets and HTTP, and loop's own. */
const goneCases = ["closed", "gone", "bad-descriptor", "invalid-state", "connection-terminated", "io"];

/**
 * What a caller gets that `called` on, or with, an object whose maker is gone: the function's own err where it has one for
 * that, and LK0426 else.
 */
export const goneError = (func: Func, called: string): DeclaredError | Fault => {
  const payload = errOf(func, goneCases, called);
  if (payload !== undefined) return declared(payload);
  return fault("LK0426", `The component ${called}`, { hint: "let it ask for a new one" });
};

const isText = (type: Type | undefined): boolean => type === undefined || type.kind === "string";

const placeFunc = (
  implementation: Record<string, unknown>,
  { role, name }: Func,
  call: () => never,
): void => {
  if (role.role === "free") {
    implementation[camel(name)] = call;
    return;
  }
  const key = pascal(role.resource);
  if (role.role === "constructor") {
    // A class whose constructor denies; members placed before it move over.
    const before = implementation[key] as object | undefined;
    const denying = class {
      constructor() {
        call();
      }
    };
    if (before) copyMembers(before as new () => object, denying);
    implementation[key] = denying;
    return;
  }
  const owner = implementation[key] as new () => object;
  const place = role.role === "static" ? owner : owner.prototype;
  Object.defineProperty(place, camel(role.member), { value: call, configurable: true, writable: true });
};

const copyMembers = (from: new () => object, to: new () => object): void => {
  for (const [source, target] of [
    [from.prototype, to.prototype],
    [from, to],
  ])
    for (const name of Object.getOwnPropertyNames(source))
      if (!["constructor", "length", "name", "prototype"].includes(name))
        Object.defineProperty(target, name, Object.getOwnPropertyDescriptor(source, name)!);
};
