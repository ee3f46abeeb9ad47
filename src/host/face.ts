import { type Interface, pascal } from "../contract/model.ts";
import { ownResources } from "../contract/outline.ts";
import type { InterfaceImplementation } from "./provider.ts";

// Resources that several make, as one class: of the host and of components that stand before it, or of one component
// after the other.

type Callable = (...args: unknown[]) => unknown;
type Class = new (...args: unknown[]) => object;

/** Of what objects of a component have in common: whose resource they are. */
const marks = new WeakMap<object, string>();

/** From now on what has this prototype is of a resource: "a:b/types#document". */
export const markAs = (prototype: object, resource: string): void => void marks.set(prototype, resource);

/** What is written of the class of an object, or of one that it extends. */
export const writtenOf = <T>(written: WeakMap<object, T>, value: unknown): T | undefined => {
  for (let at = value; typeof at === "object" && at !== null; at = Object.getPrototypeOf(at)) {
    const found = written.get(at);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Whose resource an object of a component is, or what stands for one. */
export const markOf = (value: unknown): string | undefined => writtenOf(marks, value);

const isMarked = (value: unknown, resource: string): boolean => markOf(value) === resource;

type Face = Callable & { prototype: object };

/** A class that stands for a resource of several makers: objects of every component's of this name are its own. */
export const faceOf = (
  resource: string,
  construct: Callable | undefined,
  isOwn: (value: unknown) => boolean = () => false,
): Face => {
  function Face(...args: unknown[]): unknown {
    if (!construct) throw new TypeError(`Resource ${resource} has no constructor`);
    return construct(...args);
  }
  Object.defineProperty(Face, Symbol.hasInstance, {
    value: (value: unknown) => isOwn(value) || isMarked(value, resource),
  });
  return Face as unknown as Face;
};

/** An interface whose resources are not its implementer's alone any more. */
export const joined = (
  plain: string,
  wanted: Interface,
  implementation: InterfaceImplementation,
): InterfaceImplementation => {
  const made: Record<string, unknown> = { ...implementation };
  for (const resource of ownResources(wanted)) {
    const base = implementation[pascal(resource)];
    if (typeof base !== "function") continue;
    const face = faceOf(
      `${plain}#${resource}`,
      (...args) => new (base as Class)(...args),
      (value) => value instanceof base,
    );
    face.prototype = base.prototype;
    for (const key of Object.getOwnPropertyNames(base))
      if (!["length", "name", "prototype", "caller", "arguments"].includes(key))
        Object.defineProperty(face, key, Object.getOwnPropertyDescriptor(base, key)!);
    made[pascal(resource)] = face;
  }
  return made;
};
