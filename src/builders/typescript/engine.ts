export interface ComponentizeRequest {
  /** One ES module whose only imports are the engine's names for the world's. */
  readonly source: string;
  /** All WIT as one text. */
  readonly wit: string;
  /** "loop:shadow/shadow" */
  readonly world: string;
  /** The project's folder. */
  readonly folder: string;
}

/** Bundled JavaScript and WIT → component bytes. Throws the engine's own error where the module does not load. */
export type Componentize = (request: ComponentizeRequest) => Promise<Uint8Array>;
