import type { Interface, ResourceType, Type } from "./model.ts";

/** The resources that a value of a type may hold, wherever they lie in it; one may come more than once. */
export function* resourcesIn(type: Type | undefined): Generator<ResourceType> {
  switch (type?.kind) {
    case "own":
    case "borrow":
      yield type.resource;
      return;
    case "list":
    case "option":
    case "stream":
    case "future":
      yield* resourcesIn(type.element);
      return;
    case "map":
      yield* resourcesIn(type.value);
      return;
    case "result":
      yield* resourcesIn(type.ok);
      yield* resourcesIn(type.err);
      return;
    case "tuple":
      for (const element of type.elements) yield* resourcesIn(element);
      return;
    case "record":
      for (const field of type.fields) yield* resourcesIn(field.type);
      return;
    case "variant":
      for (const one of type.cases) yield* resourcesIn(one.type);
  }
}

export const holdsResource = (type: Type | undefined): boolean => !resourcesIn(type).next().done;

/** The interfaces, versioned, whose resources an interface's functions are about, its own among them. */
export const resourceOwners = ({ name, funcs }: Interface): ReadonlySet<string> => {
  const owners = new Set<string>();
  for (const { params, result } of funcs.values())
    for (const type of [...params.map((param) => param.type), result])
      for (const { owner } of resourcesIn(type)) owners.add(owner ?? name);
  return owners;
};
