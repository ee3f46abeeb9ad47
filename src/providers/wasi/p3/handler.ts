import { DeclaredError } from "../../../base/fault.ts";
import type { ErrorCode } from "../p2/errors.ts";
import type { Handling } from "../seat.ts";
import { speakingOf } from "../speaking.ts";
import { Request, type Response } from "./http.ts";

/** WASI 0.3's way: the answer is the call's own, its body comes after it, and so may what the guest does besides. */
export const handling =
  (exported: string): Handling =>
  async (instance, received, respond) => {
    const request = Request.received(speakingOf(instance.context), received);
    let response: Response;
    try {
      response = (await instance.call(exported, "handle", [request])) as Response;
    } catch (error) {
      if (!(error instanceof DeclaredError)) throw error;
      respond(error.payload as ErrorCode);
      return instance.settled();
    }
    const { answer, filled } = response.answer();
    respond(answer);
    // How its body fared, the guest learns by a future; the client has seen it break off.
    await filled.catch(() => {});
    await instance.settled();
  };
