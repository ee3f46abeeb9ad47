import { errno } from "../../../base/fault.ts";

const waitMsMax = 16;

/** Again after a little while, as long as the system says EAGAIN. For what cannot be waited for otherwise. */
export const again = async <T>(work: () => T | Promise<T>): Promise<T> => {
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, waitMsMax)) {
    try {
      return await work();
    } catch (error) {
      if (errno(error) !== "EAGAIN") throw error;
      await Bun.sleep(waitMs);
    }
  }
};
