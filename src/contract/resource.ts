import type { Interface, ResourceType, Type } from "./model.ts";
import { ownResources } from "./outline.ts";
import { typeText } from "./type.ts";

/** A type and all that lie in it. */
function* typesIn(type: Type | undefined): Generator<Type> {
  if (!type) return;
  yield type;
  switch (type.kind) {
    case "list":
    case "option":
    case "stream":
    case "future":
      yield* typesIn(type.element);
      return;
    case "map":
      yield* typesIn(type.value);
      return;
    case "result":
      yield* typesIn(type.ok);
      yield* typesIn(type.err);
      return;
    case "tuple":
      for (const element of type.elements) yield* typesIn(element);
      return;
    case "record":
      for (const field of type.fields) yield* typesIn(field.type);
      return;
    case "variant":
      for (const one of type.cases) yield* typesIn(one.type);
  }
}

/** The resources that a value of a type may hold, wherever they lie in it; one may come more than once. */
export function* resourcesIn(type: Type | undefined): Generator<ResourceType> {
  for (const one of typesIn(type)) if (one.kind === "own" || one.kind === "borrow") yield one.resource;
}

/** Whether a stream or a future lies in a type. */
export const flowsIn = (type: Type): boolean =>
  [...typesIn(type)].some(({ kind }) => kind === "stream" || kind === "future");

export const holdsResource = (type: Type | undefined): boolean => !resourcesIn(type).next().done;

/** The interfaces, versioned, whose resources an interface's functions are about, its own among them. */
export const resourceOwners = ({ name, funcs }: Interface): ReadonlySet<string> => {
  const owners = new Set<string>();
  for (const { params, result } of funcs.values())
    for (const type of [...params.map((param) => param.type), result])
      for (const { owner } of resourcesIn(type)) owners.add(owner ?? name);
  return owners;
};

/** The first of what these interfaces pass in a stream or a future that holds resources of theirs; a sentence. */
export const streamedResource = (interfaces: readonly Interface[]): string | undefined => {
  // Types are read only where there are resources that they could hold.
  if (!interfaces.some((one) => ownResources(one).length > 0)) return undefined;
  const owners = new Set(interfaces.map(({ name }) => name));
  for (const { name, funcs } of interfaces) {
    const holds = (type: Type) => [...resourcesIn(type)].some(({ owner }) => owners.has(owner ?? name));
    for (const func of funcs.values())
      for (const passed of [...func.params.map(({ type }) => type), func.result])
        for (const type of typesIn(passed))
          if ((type.kind === "stream" || type.kind === "future") && holds(type))
            return `${func.name} of ${name} passes ${typeText(type)}, and objects do not cross a slot in streams and futures`;
  }
  return undefined;
};
