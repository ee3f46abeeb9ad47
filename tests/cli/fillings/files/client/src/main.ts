import { handle } from "wasi:http/outgoing-handler@0.2.12";
import { Fields, type FutureIncomingResponse, OutgoingRequest } from "wasi:http/types@0.2.12";

const bytes = (text: string) => new TextEncoder().encode(text);

export const get = (authority: string, path: string): string => {
  const request = new OutgoingRequest(Fields.fromList([["x-sender", bytes("original")]]));
  request.setScheme({ tag: "HTTP" });
  request.setAuthority(authority);
  request.setPathWithQuery(path);
  try {
    return answered(handle(request, undefined));
  } catch (error) {
    const { payload } = error as { payload?: { tag: string } };
    throw payload ? payload.tag : String(error);
  }
};

const answered = (future: FutureIncomingResponse): string => {
  future.subscribe().block();
  const outer = future.get();
  if (outer?.tag !== "ok") throw new Error("no answer");
  if (outer.val.tag === "err") throw { payload: outer.val.val };
  const response = outer.val.val;
  const stream = response.consume().stream();
  let body = "";
  for (;;)
    try {
      body += new TextDecoder().decode(stream.blockingRead(1000n));
    } catch {
      return `${response.status()} ${body}`;
    }
};
