// Stands before another provider of wasi:http: every request goes out with another x-sender, and those to
// /secret do not go out at all. What is made of a clone of a request's headers carries on its body.
import { handle } from "wasi:http/outgoing-handler@0.2.12";
import { OutgoingRequest, type RequestOptions } from "wasi:http/types@0.2.12";

export const outgoingHandler = {
  handle(request: OutgoingRequest, options: RequestOptions | undefined) {
    if (request.pathWithQuery() === "/secret") throw { payload: { tag: "HTTP-request-denied" } };
    const headers = request.headers().clone();
    headers.set("x-sender", [new TextEncoder().encode("rewritten")]);
    const other = new OutgoingRequest(headers);
    other.setMethod(request.method());
    other.setPathWithQuery(request.pathWithQuery());
    other.setScheme(request.scheme());
    other.setAuthority(request.authority());
    return handle(other, options);
  },
};
