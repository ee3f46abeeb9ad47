import { handle } from "wasi:http/outgoing-handler@0.2.12";
import { Fields, type FutureIncomingResponse, OutgoingBody, OutgoingRequest } from "wasi:http/types@0.2.12";

const bytes = (text: string) => new TextEncoder().encode(text);

const requestTo = (authority: string, path: string): OutgoingRequest => {
  const request = new OutgoingRequest(Fields.fromList([["x-sender", bytes("original")]]));
  request.setScheme({ tag: "HTTP" });
  request.setAuthority(authority);
  request.setPathWithQuery(path);
  return request;
};

const refusing = (work: () => string): string => {
  try {
    return work();
  } catch (error) {
    const { payload } = error as { payload?: { tag: string } };
    throw payload ? payload.tag : String(error);
  }
};

export const get = (authority: string, path: string): string =>
  refusing(() => answered(handle(requestTo(authority, path), undefined)));

export const post = (authority: string, path: string, length: number, pieces: number): string =>
  refusing(() => {
    const request = requestTo(authority, path);
    request.setMethod({ tag: "post" });
    const body = request.body();
    const future = handle(request, undefined);
    const stream = body.write();
    const piece = new Uint8Array(length).fill(120);
    for (let at = 0; at < pieces; at++) {
      for (let from = 0; from < length; ) {
        stream.subscribe().block();
        const count = Math.min(length - from, Number(stream.checkWrite()));
        stream.write(piece.subarray(from, from + count));
        from += count;
      }
    }
    stream.blockingFlush();
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
    return answered(future);
  });

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
