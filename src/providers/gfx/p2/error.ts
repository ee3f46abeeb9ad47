import { DeclaredError, declared } from "../../../base/fault.ts";
import type { WireError } from "../error.ts";

// Errors of our interface in the words of the public one, which has a record for each function.

/** Answers an error of ours as `{ kind, message }`, with the case of the kind that fits. */
const kinded =
  (kind: (error: WireError) => { readonly tag: string; readonly val?: string }) =>
  (error: unknown): never => {
    if (!(error instanceof DeclaredError)) throw error;
    const ours = error.payload as WireError;
    throw declared({ kind: kind(ours), message: ours.message });
  };

export type Kind = (error: WireError) => { readonly tag: string; readonly val?: string };

export const operationError: Kind = () => ({ tag: "operation-error" });
export const typeError: Kind = () => ({ tag: "type-error" });
export const rangeError: Kind = () => ({ tag: "range-error" });
export const abortError: Kind = () => ({ tag: "abort-error" });
export const pipelineError: Kind = ({ kind }) => ({
  tag: "gpu-pipeline-error",
  val: kind === "internal" ? "internal" : "validation",
});

export const answeringAs = <T>(kind: Kind, work: () => T): T => {
  try {
    const answer = work();
    return answer instanceof Promise ? (answer.catch(kinded(kind)) as T) : answer;
  } catch (error) {
    return kinded(kind)(error);
  }
};

/** Refuses in the public interface's words. */
export const refusal = (kind: Kind, message: string): Error =>
  declared({ kind: kind({ kind: "validation", message }), message });
