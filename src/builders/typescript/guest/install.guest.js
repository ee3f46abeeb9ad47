// Guest code. What the generated bindings connect: the globals over WASI, and the guest's own exports, found by
// the names that the world gives them or refused with the names that were looked for.
import { quickjs } from "loop:engine";
import { consoleOver, reporter, writer } from "./console.guest.js";
import { defineDate, definePerformance, defineRandom, defineRest, defineText } from "./globals.guest.js";
import { phase } from "./state.guest.js";

/** Puts the globals in place; each function of WASI is absent where the world does not import it. */
export const install = ({ stdout, stderr, wallClock, monotonicClock, randomBytes, poll }) => {
  const err = writer(stderr);
  phase.report = reporter(err);
  // StarlingMonkey answers with whatever memory holds when a function of its throws. Polling nothing traps by
  // wasi:io's own rule.
  if (!quickjs && poll) phase.trap = () => poll([]);
  if (wallClock) defineDate(wallClock);
  const now = monotonicClock ? definePerformance(monotonicClock) : () => 0;
  if (randomBytes) defineRandom(randomBytes);
  defineText();
  defineRest();
  Object.defineProperty(globalThis, "console", {
    value: consoleOver(writer(stdout), err, now),
    configurable: true,
    writable: true,
  });
};

export const method = (target, name, value) =>
  Object.defineProperty(target, name, { value, configurable: true, writable: true });

const namesOf = (guest) => {
  const names = Object.keys(guest);
  return names.length > 0 ? `it exports ${names.join(", ")}` : "it exports nothing";
};

export const rootFunction = (guest, name, main, world) => {
  const found = guest[name];
  if (typeof found === "function") return found;
  throw new Error(
    `${main} does not export the function ${name}, which the world ${world} asks for; ${namesOf(guest)}`,
  );
};

/** The guest's object for an interface: by its short name, or by its full one. */
export const interfaceObject = (guest, full, short, main, world) => {
  for (const name of [short, full, full.replace(/@.*/, "")]) {
    const found = guest[name];
    if (found !== null && (typeof found === "object" || typeof found === "function")) return found;
  }
  throw new Error(
    `${main} does not export ${short}, an object with the functions of ${full}, which the world ${world} asks for; ${namesOf(guest)}`,
  );
};

export const member = (object, name, where) => {
  const found = object[name];
  if (typeof found !== "function")
    throw new Error(`The object exported for ${where} has no function ${name}`);
  return found.bind(object);
};

export const resourceClass = (object, name, needed, main) => {
  const found = object[name];
  if (typeof found === "function") return found;
  if (!needed && found === undefined) return undefined;
  throw new Error(`${main} does not export the class ${name} of the resource that the world asks for`);
};

/** What the engine calls with `new`: a function whose answer is a carrier, and whose prototype is the carrier's. */
export const engineClass = ({ Carrier }, make) => {
  // A declaration: what is called with `new` cannot be an arrow function, as linters would have it.
  function Class(...args) {
    return make(args);
  }
  Class.prototype = Carrier.prototype;
  return Class;
};
