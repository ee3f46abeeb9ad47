// A network that records: stands before another provider of wasi:http, writes down each request and what became of
// it, and passes it on as it is, its body included.
import { write } from "loop:core/log@0.1.0";
import { handle } from "wasi:http/outgoing-handler@0.2.12";
import type { OutgoingRequest, RequestOptions } from "wasi:http/types@0.2.12";

export const outgoingHandler = {
  handle(request: OutgoingRequest, options: RequestOptions | undefined) {
    const method = request.method();
    const said = `${method.tag === "other" ? method.val : method.tag} ${request.authority() ?? ""}${request.pathWithQuery() ?? "/"}`;
    try {
      const answer = handle(request, options);
      write("info", said, [["sent", { tag: "boolean", val: true }]]);
      return answer;
    } catch (error) {
      const { payload } = error as { payload?: { tag: string } };
      write("warn", said, [["refused", { tag: "text", val: payload?.tag ?? String(error) }]]);
      throw error;
    }
  },
};
