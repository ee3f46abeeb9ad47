// Every size, count and depth that a guest or a file can choose has its bound here, with the reason.

export const limits = {
  /** A component's bytes. StarlingMonkey makes 12 MB; 512 MiB leaves room and keeps one file from filling memory. */
  componentBytesMax: 512 * 1024 * 1024,
  /** Nesting of components, instances and types in a component binary; decoding recurses. */
  componentDepthMax: 64,
  /** Items in one index space of a component binary, as wasmparser bounds them. */
  componentItemsMax: 100_000,
  /** Items in all index spaces and sequences of one file together, nested components included. */
  componentTotalItemsMax: 1_000_000,
  /** Declarations evaluated for one world: instance types unfold at each use and could double at each level. */
  worldItemsMax: 1_000_000,
  /** Parts of one type written out; types share parts, so a small binary can describe an enormous one. */
  typeSizeMax: 100_000,
  /** Nesting of one type, as wasmtime bounds it; everything that reads types recurses. */
  typeDepthMax: 100,
  /** Characters of a WAVE expression on a command line. */
  waveTextMax: 1024 * 1024,
  /** Nesting of a WAVE value; parsing recurses. */
  waveDepthMax: 128,
  /** A `loop.toml`; nobody writes one by hand that is larger. */
  manifestBytesMax: 1024 * 1024,
  /** How long a process waits for another that holds the remembered state, before it says so. */
  stateWaitMsMax: 2000,
  /** Fillings of one slot; each is a component to load. */
  fillingsMax: 256,
  /** Characters of an identifier that is remembered, and of what a filling says of itself. */
  identifierLengthMax: 4096,
  descriptionLengthMax: 1024 * 1024,
  /** Bytes that one `read` of a stream may ask for; larger requests are answered with fewer bytes. */
  streamReadBytesMax: 1024 * 1024,
  /** Bytes that `check-write` offers a guest at once: the back-pressure window. */
  streamWriteBytesMax: 1024 * 1024,
  /** Random bytes in one call: the guest chooses the length, the host allocates it. */
  randomBytesMax: 16 * 1024 * 1024,
  /** Open resource handles (streams, descriptors, pollables) per instance. */
  handlesMax: 65_536,
  /** Open files per instance, under the usual descriptor limit of a process (1024). */
  openFilesMax: 512,
  /** Pollables in one `poll` call. */
  pollablesMax: 4096,
  /** Bytes of a guest's standard error kept for the report of a trap. */
  stderrTailBytesMax: 16 * 1024,
  /** An answer typed at a question; a line end that never comes must not fill memory. */
  answerBytesMax: 64 * 1024,
  /** Standard output of a component kept for `loop run --json`. */
  capturedBytesMax: 64 * 1024 * 1024,
  /** A component's `loop:commands` section, and the commands in it: read for every `loop --help`. */
  commandsSectionBytesMax: 256 * 1024,
  /** Arguments and environment handed to a guest, in bytes. */
  argumentsBytesMax: 2 * 1024 * 1024,
  /** Core modules below this many bytes are compiled anew: hashing them costs as much as compiling. */
  coreSharedBytesMin: 16 * 1024,
  /** Bytes of compiled core modules kept for reuse in one process. */
  coreSharedBytesMax: 64 * 1024 * 1024,
  /** A linked component in the cache; larger glue is not worth reading back. */
  linkCacheBytesMax: 256 * 1024 * 1024,
} as const;
