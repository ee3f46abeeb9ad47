/** `loop:devserver/loader#origin` in the JS mapping. */
export type Origin = { readonly tag: "sources" } | { readonly tag: "made"; readonly val: string };

/** `loop:devserver/loader#provider`. */
export interface Provided {
  readonly slot: string;
  readonly identifier: string;
}

// loop's own loader: members are built from their sources, and loop.toml alone says what stands before capabilities.

export const load = (): Origin => ({ tag: "sources" });

export const providers = (): readonly Provided[] => [];
