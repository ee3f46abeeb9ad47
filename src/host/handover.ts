import { DeclaredError, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { World } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import type { Instance } from "./instance.ts";

// State that crosses from one instance to the next, in `loop:core/handover`'s words. Both sides are guests: what
// they give is bounded, and no call of theirs takes longer than a swap may.

const handover = "loop:core/handover@0.1.0";
const health = "loop:core/health@0.1.0";

/** How state crossed: there is none, as it was saved, or changed by a migration. */
export type State = "none" | "handed-over" | "migrated";

/** `loop:core/handover#saved`. */
export interface Saved {
  readonly version: string;
  readonly bytes: Uint8Array;
}

/** Turns saved state into what its receiver takes; throws what keeps it from that. */
export type Migrate = (saved: Saved) => Promise<Saved>;

/** Whether a component has state to hand over. */
export const hasState = ({ exports }: World): boolean =>
  matchInterface(handover, exports.keys()) !== undefined;

/** Whether there is state to hand over, and somebody who takes it. */
export const handsOver = (from: Instance, to: Instance): boolean =>
  from.usable && from.exports(handover) && to.exports(handover);

/** State on its way. */
export interface Taken {
  readonly saved: Saved;
  /** It stays where it was after all: what saving it has changed there is put back, where that can be done. */
  readonly undo: () => void;
}

/** Takes the state out of what has it. Faults: those of the call, which leave it as it was. */
export const take = async (from: Instance): Promise<Taken> => {
  const { answer, undo } = await from.attempt(limits.swapCallMsMax, handover, "save", []);
  return { saved: answer as Saved, undo };
};

/** Restores it on the other side. Faults: LK0423 where it cannot be, and those of the calls. */
export const handOver = async (
  from: Instance,
  state: Saved,
  to: Instance,
  migrate: Migrate | undefined,
): Promise<State> => {
  const saved = checked(from, state);
  const refused = await restored(to, saved);
  if (refused === undefined) return "handed-over";
  if (!migrate) throw refusal(to, saved, refused);
  const changed = checked(to, await migrate(saved));
  const again = await restored(to, changed);
  if (again !== undefined) throw refusal(to, changed, again);
  return "migrated";
};

/** Asks an instance that can say so whether it is well. Fault LK0424 where it is not. */
export const checkHealth = async (instance: Instance): Promise<void> => {
  if (!instance.exports(health)) return;
  try {
    await within(instance, health, "check", []);
  } catch (error) {
    if (!(error instanceof DeclaredError)) throw error;
    throw fault("LK0424", `${nameOf(instance)} says that it is not well: ${text(error.payload)}`);
  }
};

const within = (instance: Instance, interfaceName: string, func: string, args: readonly unknown[]) =>
  instance.callWithin(limits.swapCallMsMax, interfaceName, func, args);

/** Why the state was refused, or undefined where it was taken. */
const restored = async (to: Instance, { version, bytes }: Saved): Promise<string | undefined> => {
  try {
    await within(to, handover, "restore", [version, bytes]);
    return undefined;
  } catch (error) {
    if (error instanceof DeclaredError) return text(error.payload);
    throw error;
  }
};

const checked = (whose: Instance, saved: unknown): Saved => {
  const { version, bytes } = saved as Saved;
  if (bytes.length > limits.handoverBytesMax)
    throw fault(
      "LK0423",
      `${nameOf(whose)} saved ${bytes.length} bytes of state; the limit is ${limits.handoverBytesMax}`,
    );
  if (version.length > limits.handoverVersionMax)
    throw fault(
      "LK0423",
      `${nameOf(whose)} names the version of its state in ${version.length} characters; the limit is ${limits.handoverVersionMax}`,
    );
  return { version, bytes };
};

const refusal = (to: Instance, { version }: Saved, why: string) =>
  fault("LK0423", `${nameOf(to)} does not take the state of version "${version}": ${why}`, {
    hint: 'give it a migration in loop.toml: migrate = "./migrate.wasm"',
  });

const nameOf = ({ context }: Instance): string => context.component.identifier;

const text = (payload: unknown): string =>
  `${payload ?? "it gave no reason"}`.slice(0, limits.reasonLengthShown);
