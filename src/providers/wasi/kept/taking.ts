import { errno, fault } from "../../../base/fault.ts";

/**
 * What was taken; undefined where it is gone, or not granted, which was told where it was refused. LK0204 where the
 * taker holds too much already: the swap fails for it, and whoever has it goes on.
 */
export const taking = <T>(what: string, work: () => T): T | undefined => {
  try {
    return work();
  } catch (error) {
    const code = errno(error);
    if (code === "EACCES" || code === "ENOTCONN" || code === "EBADF") return undefined;
    if (code === "EMFILE") throw fault("LK0204", `The component takes ${what} and holds too many already`);
    throw error;
  }
};
