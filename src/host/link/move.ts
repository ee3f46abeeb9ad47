import { moveCases, moveEnum, moveFields, moveFlags } from "./compound.ts";
import { instanceOf, type Moving, plus, type Side, type Source, type Target } from "./place.ts";
import { put, putRaw, raw, scalar } from "./scalar.ts";
import { moveArray, moveList, moveMap, moveString } from "./sequence.ts";
import { isScalar, type Of, type ValueType } from "./type.ts";

// Generates the code that moves one value of a type from a source to a target. Every pairing but JavaScript to
// JavaScript exists, so one traversal lifts, lowers and copies from guest to guest with nothing in between.
// Result: expressions. One for JavaScript, one for each core value for a flat target, none for memory.

/** Types with more parts than this become functions of their own when they lie in memory. */
const inlineNodesMax = 24;

export const move = (moving: Moving, type: ValueType, from: Source, to: Target): string[] => {
  if (type.nodes > inlineNodesMax && from.kind !== "flat" && to.kind !== "flat")
    return outlined(moving, type, from, to);
  return moveHere(moving, type, from, to);
};

const moveHere = (moving: Moving, type: ValueType, from: Source, to: Target): string[] => {
  if (isScalar(type)) return put(moving, type.kind, scalar(moving, type.kind, from), to);
  switch (type.kind) {
    case "string":
      return moveString(moving, from, to);
    case "list":
      return moveList(moving, type, from, to);
    case "array":
      return moveArray(moving, type, from, to);
    case "map":
      return moveMap(moving, type, from, to);
    case "record":
    case "tuple":
      return moveFields(moving, type, from, to);
    case "variant":
    case "option":
    case "result":
      return moveCases(moving, type, from, to);
    case "enum":
      return moveEnum(moving, type, from, to);
    case "flags":
      return moveFlags(moving, type, from, to);
    case "own":
    case "borrow":
      return moveHandle(moving, type, from, to);
    default:
      throw new Error(`A value of type ${type.kind} cannot be moved`);
  }
};

const sideKey = (place: Source | Target): string => (place.kind === "js" ? "js" : place.side.id);

const outlined = (moving: Moving, type: ValueType, from: Source, to: Target): string[] => {
  const { code } = moving;
  const ids = outlineIds.get(code) ?? new Map<ValueType, number>();
  outlineIds.set(code, ids);
  if (!ids.has(type)) ids.set(type, ids.size);
  const key = `move ${ids.get(type)} ${sideKey(from)} ${sideKey(to)}`;
  const name = code.outlined(key, "move", "from, to, lent, scope", () => {
    const source: Source = from.kind === "js" ? { ...from, value: "from" } : at(from, "from");
    const target: Target = to.kind === "memory" ? { ...to, base: "to", offset: 0 } : to;
    const inner = { ...moving, lent: "lent", scope: "scope" };
    return moveHere(inner, type, source, target)[0] ?? "0";
  });
  const place = (which: Source | Target) =>
    which.kind === "memory"
      ? plus(which.base, which.offset)
      : which.kind === "js" && "value" in which
        ? which.value
        : "0";
  const call = `${name}(${place(from)}, ${place(to)}, ${moving.lent}, ${moving.scope})`;
  if (to.kind === "js") return [code.bind(call)];
  code.line(`${call};`);
  return [];
};

const outlineIds = new WeakMap<object, Map<ValueType, number>>();

const at = (from: Source, base: string): Source =>
  from.kind === "memory" ? { ...from, base, offset: 0 } : from;

/**
 * Lifting gives a representation, lowering takes one. A borrow that goes to the resource's own implementer is
 * the bare representation; any other is a handle in the callee's table, counted in the call's scope.
 */
const moveHandle = (moving: Moving, type: Of<"own" | "borrow">, from: Source, to: Target): string[] => {
  const { code, lent, scope } = moving;
  const { resource } = type;
  const name = code.constant(`resources[${moving.resources.indexOf(resource)}]`);
  const local = (side: Side) => resource.implementer === side.instance;
  let representation: string;
  if (from.kind === "js") {
    const take = type.kind === "own" ? "K.takeFromHost" : "K.borrowFromHost";
    representation = code.bind(`${take}(${name}, ${from.value}, ${lent})`);
  } else {
    const index = raw(from, 4);
    const take = type.kind === "own" ? "K.liftOwn" : "K.liftBorrow";
    representation = code.bind(`${take}(${instanceOf(from.side)}, ${name}, ${index}, ${lent})`);
  }
  if (to.kind === "js") {
    const give = type.kind === "own" ? "K.giveToHost" : "K.lendToHost";
    return [code.bind(`${give}(${name}, ${representation}, ${lent})`)];
  }
  if (type.kind === "borrow" && local(to.side)) return putRaw(moving, representation, 4, to);
  const give = type.kind === "own" ? "K.lowerOwn" : "K.lowerBorrow";
  const index = code.bind(`${give}(${instanceOf(to.side)}, ${name}, ${representation}, ${scope})`);
  return putRaw(moving, index, 4, to);
};
