// loop:window: windows, what happens to them, displays, clipboard, gamepads. Owns their WIT mapping; refuses to know
// what shows a window (`screen`) and who calls a guest (`drive`); listed in the app's table.
import type { Provider } from "../../host/provider.ts";

const names = [
  "windows",
  "events",
  "drops",
  "frames",
  "polling",
  "displays",
  "clipboard",
  "gamepads",
] as const;

export const windowProvider: Provider = {
  name: "window",
  interfaces: names.map((name) => `loop:window/${name}@0.1.0`),
  suspending: ["loop:window/polling#next-event", "loop:window/polling#next-frame"],
  // A program on a screen is what a person sees of it, and harmless; what they cut and copied is theirs.
  defaultGranted: names.filter((name) => name !== "clipboard").map((name) => `loop:window/${name}`),
  // What it is made of is loaded for those who import it.
  instantiate: async (context) => (await import("./interfaces.ts")).implement(context),
};
