// Every size, count and depth that a guest or a file can choose has its bound here, with the reason.

export const limits = {
  /** A component's bytes. StarlingMonkey makes 12 MB; 512 MiB leaves room and keeps one file from filling memory. */
  componentBytesMax: 512 * 1024 * 1024,
  /** How long a process waits for another that writes the same file. */
  exclusiveWaitMsMax: 10_000,
  /** Bytes of the content-addressed store before the least recently used is removed; LOOP_STORE_MAX sets another. */
  storedBytesMax: 4 * 1024 * 1024 * 1024,
  /** Bytes of a downloaded blob that are asked for, resumed and recorded together. */
  fetchChunkBytes: 8 * 1024 * 1024,
  /** Parts of one blob that are asked for at once, where one request is not done with it after so many milliseconds. */
  fetchParallelAfterMs: 500,
  fetchParallelMax: 4,
  /** A download that nobody went on with is removed after this time. */
  partialMsMax: 24 * 3_600_000,
  /** A `loop.lock`, and the components in it. */
  lockBytesMax: 8 * 1024 * 1024,
  lockEntriesMax: 10_000,
  /** Redirects followed for one request. */
  redirectsMax: 8,
  /** Milliseconds until a server answers. */
  fetchFirstByteMsMax: 30_000,
  /** In each such time a body has to bring so many bytes: one that drips is as dead as one that stands still. */
  fetchWindowMs: 30_000,
  fetchWindowBytesMin: 16 * 1024,
  /** Milliseconds that one body may take in all. */
  fetchTotalMsMax: 3_600_000,
  /** Attempts at one request before its failure counts. */
  fetchAttemptsMax: 4,
  /** An OCI manifest, as registries bound it; its configuration; and a list of tags or referrers. */
  ociManifestBytesMax: 4 * 1024 * 1024,
  ociConfigBytesMax: 1024 * 1024,
  ociListBytesMax: 4 * 1024 * 1024,
  /** Pages of tags that are asked for. */
  ociPagesMax: 100,
  /** A token, or what a credential helper says. */
  credentialBytesMax: 64 * 1024,
  /** Milliseconds that a credential helper may take; some ask the person. */
  credentialHelperMsMax: 120_000,
  /** Text of one annotation that a publisher writes. */
  annotationBytesMax: 256 * 1024,
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
  /** Characters of a component's name: it names a folder, a file and a WIT package. */
  nameLengthMax: 128,
  /** Characters of one WIT file; WASI's largest has 50 thousand. */
  witTextMax: 4 * 1024 * 1024,
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
  /** Ends of streams and futures, and calls under way, that one instance holds in jco's runtime; some 10 KB each. */
  asyncHandlesMax: 65_536,
  /** Asynchronous calls that one instance serves; each leaves up to some 200 KB behind in jco's runtime. */
  asyncCallsMax: 64,
  /** Bytes that one turn of an asynchronous stream carries: the host's part of what is under way. */
  asyncReadBytesMax: 64 * 1024,
  /** Random bytes in one call: the guest chooses the length, the host allocates it. */
  randomBytesMax: 16 * 1024 * 1024,
  /** Component and core instances in one instantiation; nested components can ask for exponentially many. */
  instancesMax: 10_000,
  /** Steps of a recipe from which on reading it back is quicker than decoding the component. */
  recipeStepsKeptMin: 64,
  /** Generated border functions kept for reuse in one process; each is a few kilobytes. */
  adaptersMax: 2048,
  /** Handles in one guest's table. The specification allows 2^28, which would be gigabytes of ours. */
  guestHandlesMax: 1_048_576,
  /** Nodes of one value type written out in full; the code that is generated for it grows with them. */
  typeNodesMax: 20_000,
  /** The longest that one timer of the platform can wait. */
  timerMsMax: 2 ** 31 - 1,
  /** How long a guest that is asked to stop may take to clean up before it is stopped, where that can be done. */
  stopGraceMsMax: 2000,
  /** Open resource handles (streams, descriptors, pollables) per instance. */
  handlesMax: 65_536,
  /** Open files per instance, under the usual descriptor limit of a process (1024). */
  openFilesMax: 512,
  /** Bytes of a path that a guest names: PATH_MAX of Linux. */
  pathBytesMax: 4096,
  /** Folders between a granted folder and what a path names; each is held open while the path is walked. */
  pathDepthMax: 256,
  /** Symbolic links followed for one path, as Linux counts them. */
  pathLinksMax: 40,
  /** Entries of folders that an instance is reading at once: a listing is taken whole, so that it holds still. */
  directoryEntriesMax: 1_000_000,
  /** Pollables in one `poll` call. */
  pollablesMax: 4096,
  /** Waits of one guest that end at once, in a row, before the process gets a turn: with a timer of no time it never would. */
  promptWaitsMax: 64,
  /** Bytes of a guest's standard error kept for the report of a trap. */
  stderrTailBytesMax: 16 * 1024,
  /** An answer typed at a question; a line end that never comes must not fill memory. */
  answerBytesMax: 64 * 1024,
  /** Standard output of a component kept for `loop run --json`. */
  capturedBytesMax: 64 * 1024 * 1024,
  /** A project's files as they are handed to a builder that is a component. */
  projectBytesMax: 64 * 1024 * 1024,
  projectFilesMax: 10_000,
  /** A component's `loop:commands` section, and the commands in it: read for every `loop --help`. */
  commandsSectionBytesMax: 256 * 1024,
  /** A component's `loop:capabilities` section: reasons for people to read. */
  capabilitiesSectionBytesMax: 64 * 1024,
  /** Builds that are remembered as this person's own; the oldest are forgotten and no longer trusted. */
  rememberedBuildsMax: 4096,
  /** Denied calls that are kept for the report at the end of a run, by what was called. */
  denialsMax: 32,
  /** Arguments and environment handed to a guest, in bytes. */
  argumentsBytesMax: 2 * 1024 * 1024,
  /** Core modules below this many bytes are compiled anew: hashing them costs as much as compiling. */
  coreSharedBytesMin: 16 * 1024,
  /** Metered core modules from this many bytes on are kept on disk: reading one is quicker than making it. */
  meteredKeptBytesMin: 128 * 1024,
  /** Bytes of compiled core modules kept for reuse in one process. */
  coreSharedBytesMax: 64 * 1024 * 1024,
  /** A linked component in the cache; larger glue is not worth reading back. */
  linkCacheBytesMax: 256 * 1024 * 1024,
  /** UTF-16 units of a log message or of one text field; longer ones are cut. */
  logTextMax: 8 * 1024,
  /** UTF-16 units of a log field's name. */
  logNameMax: 128,
  /** Fields of one log message; more are dropped and counted. */
  logFieldsMax: 64,
  /** Log lines kept while their reader is slow; more are dropped and counted. */
  logQueueBytesMax: 1024 * 1024,
  /** Live cancellation sources per instance: each holds a listener and perhaps a timer. */
  cancellationSourcesMax: 1024,
  /** Children of one instance that run at once: each costs a process and up to three descriptors. */
  childProcessesMax: 32,
  /** Environment variables handed to a child. */
  childVariablesMax: 1024,
  /** Bytes of a child's output given to a guest in one read. */
  childReadBytesMax: 256 * 1024,
  /** Bytes that a guest may hand to a child's input at once. */
  childWriteBytesMax: 1024 * 1024,
  /** Bytes on disk of one component's database, unless the person gives it more. */
  storageBytesMax: 64 * 1024 * 1024,
  /** UTF-8 bytes of a key; SQLite compares whole keys. */
  storageKeyBytesMax: 1024,
  /** Bytes of one stored value or one SQL parameter. */
  storageValueBytesMax: 16 * 1024 * 1024,
  /** Keys on one page of a list. */
  storagePageKeysMax: 1000,
  /** UTF-8 bytes of one SQL statement. */
  storageStatementBytesMax: 256 * 1024,
  /** Rows that one query answers with. */
  storageRowsMax: 10_000,
  /** Bytes that one query answers with, all values together. */
  storageRowsBytesMax: 16 * 1024 * 1024,
  /** Parameters of one statement. */
  storageParametersMax: 1000,
  /** Prepared statements that one instance holds. */
  storageStatementsMax: 256,
  /** Resident bytes of the process that runs a component's SQL; one statement can ask SQLite for gigabytes. */
  storageEngineBytesMax: 512 * 1024 * 1024,
  /** Milliseconds that one statement may take. */
  storageStatementMsMax: 5000,
  /** Milliseconds that a change waits for another process or instance to let go of the database. */
  storageBusyMsMax: 5000,
  /** Parts of one `--allow-net`; each is compared at every connection. */
  networkGrantsMax: 1024,
  /** Sockets per instance, listening and accepted ones included, under the usual descriptor limit of a process. */
  socketsMax: 256,
  /** Connections that wait for a guest's `accept`; more are closed. Also the largest backlog that it may ask for. */
  acceptQueueMax: 256,
  /** Bytes kept between a socket and a guest, or between a guest and a body's reader, before the writer waits. */
  pipeBytesMax: 256 * 1024,
  /** Datagrams that wait for a guest; more are dropped, as any network does. */
  datagramsMax: 256,
  /** Bytes of one datagram: what IPv4 can carry. */
  datagramBytesMax: 65_507,
  /** Name look-ups of one instance at once; each takes a thread of the system's resolver. */
  lookupsMax: 16,
  /** Addresses remembered as a granted name's, per instance; the oldest are forgotten. */
  knownAddressesMax: 4096,
  /** Socket buffer sizes that a guest may ask for. */
  socketBufferBytesMax: 4 * 1024 * 1024,
  /** Bytes of all fields of one HTTP message, and how many; servers commonly stop at 8 to 64 KiB. */
  fieldsBytesMax: 128 * 1024,
  fieldsMax: 1024,
  /** Bytes of a request's path and query. */
  requestPathBytesMax: 64 * 1024,
  /** Outgoing HTTP requests of one instance at once; each holds a connection. */
  outgoingRequestsMax: 64,
  /** Milliseconds for an HTTP connection, and for the first byte of its answer, where the guest sets no time. */
  httpConnectMsDefault: 60_000,
  httpFirstByteMsDefault: 600_000,
  httpBetweenBytesMsDefault: 600_000,
  /** A body of at most so many announced bytes is read whole before a served component is called. */
  serveAheadBytesMax: 64 * 1024,
  /** Milliseconds in which a body of unknown length may come whole before its request asks for an instance. */
  serveAheadMsMax: 50,
  /** Milliseconds without a byte from or to a client before it is given up, where others wait for its instance. */
  serveStalledMsMax: 5000,
  /** Bytes of one answer that are kept for a slow reader, so that its instance can serve others who wait. */
  serveKeptBytesMax: 4 * 1024 * 1024,
  /** The same of all answers of a server together. */
  serveAllKeptBytesMax: 64 * 1024 * 1024,
  /** The share of instances that requests with bodies of unknown length never have. */
  serveShortShare: 0.25,
  /** Fresh instances that lie ready where each request has its own; each holds its memory. */
  serveSparesMax: 4,
  /** Milliseconds that requests under way have once a server was asked to stop, where nobody says otherwise. */
  serveGraceMsDefault: 10_000,
  /** Milliseconds that a guest may keep a server's thread once it was asked to end, and between two looks at that. */
  serveHeldMsMax: 3_000,
  serveBeatMs: 250,
  /** Instances of a served component that live at once; requests beyond wait for one. */
  serveInstancesMax: 64,
  /** Requests that wait for an instance; more are answered 503. */
  serveWaitingMax: 4096,
  /** Milliseconds after which a served instance that has done enough, and could not give way, is asked again. */
  serveRenewEveryMs: 60_000,
  /** Components that gave way to others and still answer requests of theirs. */
  serveGenerationsMax: 16,
  /** Different uses that one audit tells apart; further ones are counted together. */
  auditUsesMax: 4096,
  /** Bytes of a recording of clocks and randomness. */
  recordingBytesMax: 64 * 1024 * 1024,
  /** Components composed inside one that a report names. */
  partsShownMax: 256,
  /** Questions for a grant that one run may put to a person; what else it lacks is refused without a word. */
  questionsMax: 8,
  /** Characters of a component's own words, or of its name, in a question or a report of one line. */
  shownLengthMax: 300,
  /** Lines, and characters of each, of what a loop.toml grants in a question. */
  authorityLinesMax: 40,
  authorityLengthMax: 2000,
  /** Points or pixels of one side of a window or of a picture shown in one; an 8K screen has 7680. */
  windowPointsMax: 8192,
  /** A component's `signature` section or a detached signature, in bytes; one signature takes about a hundred. */
  signatureBytesMax: 256 * 1024,
  /** A detached signature that is asked for beside a URL, in bytes: it is kept in loop.lock. */
  fetchedSignatureBytesMax: 16 * 1024,
  /** How long whoever serves a component may take to say whether there is a signature beside it. */
  fetchedSignatureMsMax: 5_000,
  /** Sets of hashes, hashes of one set and parts of one component, as wasmsign2 bounds them. */
  signatureHashesMax: 64,
  /** Signatures over one set of hashes, as wasmsign2 bounds them. */
  signaturesMax: 256,
  /** Signatures that are tried for one component; each takes one or two milliseconds. */
  signatureChecksMax: 256,
  /** Signers that are remembered of what came from somewhere; the oldest are forgotten. */
  rememberedOriginsMax: 4096,
  /** Signatures that are remembered as ones that hold; the oldest are checked again. */
  rememberedSignaturesMax: 4096,
  /** Keys that a threshold may ask for. */
  thresholdMax: 64,
  /** What a component's signers say that it is. */
  statementBytesMax: 8 * 1024,
  /** A file that holds a key. */
  keyFileBytesMax: 16 * 1024,
  /** Memory that the scrypt parameters in a key's file may ask for. */
  scryptBytesMax: 1024 * 1024 * 1024,
  /** Bytes on graphics processors that one instance holds; in software they are the host's own memory. */
  gpuBytesMax: 1024 * 1024 * 1024,
  /** Handles of GPU objects that one instance holds at once. */
  gpuObjectsMax: 65_536,
  /** Devices of one instance that are not lost; each is megabytes of the driver's. */
  gpuDevicesMax: 16,
  /** Commands of one command encoder; Dawn keeps each until it is submitted. */
  gpuCommandsMax: 1_000_000,
  /** UTF-16 units of one shader: nothing else runs while it is compiled. */
  gpuShaderLengthMax: 1024 * 1024,
  /** UTF-16 units of a label; longer ones are cut. */
  gpuLabelLengthMax: 256,
  /** Error scopes open at once on one device. */
  gpuScopesMax: 1024,
  /** GPU errors kept for a guest that takes them; the oldest are dropped. */
  gpuErrorsMax: 64,
  /** Pixels of one window: four bytes each, and a screen may keep several copies. 8K is 33 million. */
  windowPixelsMax: 40_000_000,
  /** Pixels of all windows of one instance together. */
  windowsPixelsMax: 80_000_000,
  /** Windows of one instance that are open at once. */
  windowsMax: 16,
  /** UTF-16 units of a window's title. */
  windowTitleMax: 1024,
  /** Pixels of a side of a window's icon; X11 refuses icons of megabytes. */
  windowIconMax: 256,
  /** Events that wait for a guest; more are thrown away and counted. */
  windowEventsMax: 4096,
  /** Milliseconds of one call into a component that draws, while nobody can use its window. */
  windowCallMsMax: 10_000,
  /** Dropped files that wait to be taken, and how much of one is read at once. */
  windowDropsMax: 64,
  windowDropReadBytesMax: 1024 * 1024,
  /** UTF-8 bytes of a text on its way to or from the clipboard. */
  clipboardBytesMax: 1024 * 1024,
  /** Bytes of a script of events, and the last frame that it or a person may name: a day at sixty a second. */
  inputScriptBytesMax: 64 * 1024 * 1024,
  framesMax: 24 * 3600 * 60,
  /** Seconds that are believed of a guest that wants to wait. */
  windowSecondsMax: 24 * 3600,
  /** Parts of a command's time that are kept for `--timings`. */
  timingPartsMax: 1000,
  /** Milliseconds between two looks of a running program at what is chosen for its slots. */
  slotsFollowMs: 200,
  /** Milliseconds that whoever chose for a slot waits for what runs in the same process to take it over. */
  slotsTakenMsMax: 2_000,
  /** Changes of slots that are kept for a component that asks for them. */
  slotChangesMax: 256,
  /** Milliseconds without a change after which files are looked at, and how long a flood of changes is waited for. */
  devQuietMs: 8,
  devSettleMsMax: 100,
  /** Milliseconds that a guest may compute in one piece where it takes turns, and while others are in a hurry. */
  turnEveryMs: 25,
  turnHurriedMs: 1,
  /** Milliseconds of one turn of others, and how long a guest waits for what is in a hurry. */
  turnMsMax: 10,
  turnHurryMsMax: 250,
  /** Milliseconds that a guest may keep others from their turn where it cannot be suspended. */
  turnHeldMsMax: 5_000,
  /** Milliseconds that an application has to end before its next version starts. */
  devGraceMs: 20,
  /** Milliseconds between two looks where the system does not say what changes. */
  devPollMs: 500,
  /** How old the times of a file have to be for saying that it is unchanged: some file systems count in two seconds. */
  devSettledFileMs: 3_000,
  /** Folders that are watched besides those of members, and files that are looked at where the system watches none. */
  devSightsMax: 4096,
  devGlanceFilesMax: 100_000,
  /** Milliseconds that a module's own code has to be loaded on the quick path, and bytes of its memory. */
  quickLoadMsMax: 5_000,
  quickMemoryBytesMax: 512 * 1024 * 1024,
  /** Warm engines that are kept for the quick path, one for a world; a megabyte and a half each. */
  quickEnginesMax: 16,
  /** Milliseconds that what a component says in `loop dev` may stay unseen while it goes on, and half a line. */
  devUnseenMs: 4,
  devPartMs: 500,
  /** Milliseconds that a build has to end when `loop dev` is ended. */
  devBuildEndMs: 300,
  /**
   * What the component in the slot `devserver` may answer: members, what one of them uses and has watched, commands,
   * providers, and characters of each text; and milliseconds of one answer.
   */
  devMembersMax: 1024,
  devEdgesMax: 1024,
  devCommandsMax: 256,
  devProvidersMax: 64,
  devTextLengthMax: 4096,
  devAnswerMsMax: 10_000,
  /** Characters of a component's name beside its lines. */
  shownNameMax: 24,
  /** Choices for a slot that can be gone back to. */
  slotHistoryMax: 10,
  /** Changes to windows that one may want before it has taken another's place. */
  windowWishesMax: 10_000,
  /** Milliseconds of one call of a swap: save, restore, migrate, health. */
  swapCallMsMax: 5_000,
  /** Milliseconds that a swap which hands over state waits for the calls in flight, and the calls that wait for it. */
  swapQuietMsMax: 10_000,
  swapWaitingMax: 100_000,
  /** Bytes of state that is handed over, and characters of its version. */
  handoverBytesMax: 256 * 1024 * 1024,
  handoverVersionMax: 256,
  /** Things of one kind that an instance keeps for the one after it, and UTF-8 bytes of the name of each. */
  keptNamesMax: 1024,
  keptNameBytesMax: 128,
  /** Bytes of memories, and entries of tables, that are copied so that a `save` which fails can be undone. */
  undoBytesMax: 256 * 1024 * 1024,
  undoEntriesMax: 100_000,
  /** Characters shown of a reason that a guest gives. */
  reasonLengthShown: 500,
  /** Bytes of one message to or from a sidecar: all arguments of a call, or its result. */
  sidecarFrameBytesMax: 64 * 1024 * 1024,
  /** Bytes on their way to a sidecar that does not read them, and calls that it has not answered. */
  sidecarUnreadBytesMax: 256 * 1024 * 1024,
  sidecarCallsMax: 1024,
  /** Milliseconds until a sidecar has said hello, and of a call into it where its slot says nothing. */
  sidecarHelloMsMax: 10_000,
  sidecarCallMsMax: 30_000,
  /** How often a sidecar that nobody calls is asked whether it is there, and how long it may think about it. */
  sidecarPingEveryMs: 10_000,
  sidecarPingMsMax: 5_000,
  /** Characters of a function as a sidecar writes it in its hello. */
  sidecarSignatureLengthMax: 64 * 1024,
  /** Bytes of the handle by which a sidecar names one of its resources. */
  sidecarHandleBytesMax: 64,
  /** Milliseconds that a sidecar has to end by itself when its instance is dropped. */
  sidecarEndMsMax: 2_000,
  /** Milliseconds before a sidecar that failed twice in a row is started again, doubled each time. */
  sidecarBackOffMs: 50,
  sidecarBackOffMsMax: 5_000,
  /** Milliseconds that a program runs before others may look at it: short ones are spared the trouble. */
  controlAfterMs: 300,
  /** Lines kept of what is said in a program, and characters of each. */
  controlLinesMax: 1000,
  controlMessageLengthMax: 4096,
  /** Characters of whatever else a program says of itself: its words, a folder, an identifier. */
  controlNameLengthMax: 1024,
  /** Bytes that are kept of each stream of each component, and how many such streams. */
  controlStreamBytesMax: 32 * 1024,
  controlStreamsMax: 128,
  /** Connections from others at once, what one may ask, what one may leave unread, and what is read of an answer. */
  controlPeersMax: 32,
  controlQuestionLengthMax: 64 * 1024,
  controlUnreadBytesMax: 1024 * 1024,
  controlAnswerLengthMax: 4 * 1024 * 1024,
  /** Milliseconds that a program has to say what runs in it, and to swap. */
  controlStateMsMax: 2_000,
  controlSwapMsMax: 60_000,
  /** Seconds that a served connection may lie still. */
  serveIdleSeconds: 120,
} as const;
