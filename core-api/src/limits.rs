//! Every bound and interval of Grove, unit in the name, with the policy when it is reached.

/// Items on a page when the caller names no limit.
pub const PAGE_DEFAULT: u64 = 50;
/// Most items on a page; more is answered with `invalid_request`.
pub const PAGE_MAX: u64 = 200;

/// Largest REST body; a larger one is answered with 413 `too_large`.
pub const HTTP_BODY_BYTES: usize = 1024 * 1024;
/// Longest time for one REST request before it is answered with 504 `timeout`.
pub const HTTP_REQUEST_MS: u64 = 60_000;
/// How long an `Idempotency-Key` is remembered.
pub const IDEMPOTENCY_KEY_MS: i64 = 24 * 3_600_000;
/// Longest `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES: usize = 128;

/// Longest title or name; longer or with control characters is answered with `invalid_request`.
pub const TITLE_CHARS: usize = 200;
/// Longest prompt.
pub const PROMPT_BYTES: usize = 256 * 1024;
/// Longest text of a note or of worktree notes.
pub const NOTE_BYTES: usize = 64 * 1024;
/// Longest branch name (git's own refname limit is the file system's).
pub const BRANCH_BYTES: usize = 200;
/// Longest URL or path of a repository.
pub const REPO_SOURCE_BYTES: usize = 2_048;
/// Objects on one board; one more is answered with `conflict`.
pub const BOARD_OBJECTS: u64 = 20_000;
/// Board coordinates run from minus to plus this many board units.
pub const BOARD_EXTENT_UNITS: f64 = 1_000_000.0;
/// Longest text of a document; a longer one is refused as invalid.
pub const DOCUMENT_BYTES: usize = 256 * 1024;
/// Edges that may begin or end at one object; one more is answered with `conflict`.
pub const OBJECT_EDGES: u64 = 500;
/// Longest fractional key of an order; a longer one is refused as invalid, and its list is numbered
/// anew.
pub const ORD_BYTES: usize = 128;
/// Longest comment; a longer one is refused as invalid.
pub const COMMENT_BYTES: usize = 16 * 1024;
/// People whom one comment mentions; more are refused as invalid.
pub const COMMENT_MENTIONS: usize = 50;
/// Comments on one board and its objects; one more is answered with `conflict`.
pub const BOARD_COMMENTS: u64 = 2_000;
/// Comments on the messages and the diff of one session; one more is answered with `conflict`.
pub const SESSION_COMMENTS: u64 = 500;
/// Comments in one thread; one more is answered with `conflict`.
pub const THREAD_COMMENTS: u64 = 200;
/// Largest image; a larger one is answered with `too_large`.
pub const IMAGE_BYTES: usize = 8 * 1024 * 1024;
/// Width and height of an image in pixels; a larger one is refused as invalid.
pub const IMAGE_SIDE_PX: usize = 16_384;
/// Images of one board; one more is answered with `conflict`.
pub const BOARD_IMAGES: u64 = 250;
/// How long a picture that nothing shows is kept, from when it came.
pub const IMAGE_GRACE_MS: i64 = 24 * 3_600_000;
/// Boards whose pictures are looked through in one turn of the upkeep; the next follow in the next.
pub const IMAGE_SWEEP_BOARDS: u64 = 20;
/// Open panels in a person's view of a board; more are refused as invalid.
pub const VIEW_PANELS: usize = 32;
/// Boards in a person's own topic; the newest are there.
pub const USER_BOARDS: u64 = 500;
/// Sessions that wait for somebody in a person's own topic; the newest are there.
pub const USER_ATTENTION: u64 = 500;
/// Mentions that wait for a person; with one more the oldest is put away.
pub const USER_MENTIONS: u64 = 200;
/// People who are told of boards and sessions in their own topics; the newest are.
pub const USER_TOPICS: u64 = 1_000;
/// Events of a person's own topic that are kept; whoever is further behind gets a snapshot.
pub const USER_EVENTS: i64 = 1_000;

/// Distance between two stored snapshots of a board's log, in events: so many are played at most
/// to read the board as it was.
pub const SNAPSHOT_EVENTS: i64 = 2_000;
/// Events of a board's log that are kept when `grove.toml` does not say.
pub const LOG_KEEP_EVENTS: u32 = 10_000;
/// How long events of a board's log are kept when `grove.toml` does not say, in days.
pub const LOG_KEEP_DAYS: u32 = 30;
/// Boards, and sessions, whose logs are looked after in one turn of the upkeep; the next ones follow in the next.
pub const LOG_CARE_TOPICS: u64 = 200;
/// Steps for one log in one turn of the upkeep; the rest follows in the next.
pub const LOG_CARE_STEPS: u32 = 10;
/// Events that are removed at once; the rest follows with the next step.
pub const LOG_PRUNE_EVENTS: i64 = 5_000;
/// Bytes of a topic's state in a `snap` frame; a larger one is read over HTTP by clients that can.
pub const SNAP_FRAME_BYTES: usize = 512 * 1024;

/// Prompts that may wait in one session; one more is answered with `conflict`.
pub const QUEUED_PROMPTS: u64 = 50;
/// Sessions below one root; a deeper spawn is answered with `conflict`.
pub const SPAWN_DEPTH: u32 = 5;
/// Children of one session; one more spawn is answered with `conflict`.
pub const SPAWN_FAN_OUT: u64 = 20;

/// Connections that wait to be accepted; one more has to try again (the kernel may allow fewer).
pub const HTTP_BACKLOG: u32 = 4_096;
/// Longest inbound WebSocket frame; a longer one closes the connection (1009).
pub const WS_INBOUND_BYTES: usize = 1024 * 1024;
/// Read buffer per WebSocket connection (the library's own default is 128 KiB).
pub const WS_READ_BUFFER_BYTES: usize = 1024;
/// Interval of WebSocket pings.
pub const WS_PING_MS: u64 = 15_000;
/// Silence after which a WebSocket connection counts as dead.
pub const WS_DEAD_MS: u64 = 30_000;
/// Longest time for one write to a WebSocket before the peer is closed as too slow (4408).
pub const WS_WRITE_MS: u64 = 10_000;
/// Time a connection has to say `hello`.
pub const WS_HELLO_MS: u64 = 10_000;
/// Topics one connection may subscribe to.
pub const WS_TOPICS: usize = 64;
/// Operations in one mutation.
pub const MUTATION_OPS: usize = 500;
/// Mutations a second per connection, on average; more are answered with `nack rate`.
pub const MUTATIONS_PER_SEC: u32 = 20;
/// Mutations that may come at once.
pub const MUTATIONS_BURST: u32 = 60;
/// Presence frames a second per connection; more wait, merged into one (rule RT-18).
pub const PRESENCE_PER_SEC: u32 = 40;
/// Bytes of one participant's presence; a larger frame is dropped.
pub const PRESENCE_BYTES: usize = 4 * 1024;
/// Objects in a selection or a live drag.
pub const PRESENCE_OBJECTS: usize = 200;
/// Shortest time between two presence frames of a board with `ROOM_MANY` readers (rule RT-13).
pub const ROOM_TICK_MS: u64 = 33;
/// Shortest time between two presence frames of a board with `ROOM_FEW` readers; it grows between both.
pub const ROOM_TICK_MIN_MS: u64 = 16;
/// Readers up to which a board ticks fastest.
pub const ROOM_FEW: usize = 16;
/// Readers from which on a board ticks slowest.
pub const ROOM_MANY: usize = 64;
/// Events that a room keeps in memory; whoever is further behind reads the log or gets a snapshot.
pub const ROOM_RING_EVENTS: usize = 2_048;
/// Events that a resume may replay from the log; a larger gap gets a snapshot.
pub const RESUME_EVENTS: u64 = 5_000;
/// Shortest time between two streamed-text frames of one message.
pub const STREAM_TICK_MS: u64 = 33;
/// Bytes of events that a room keeps in memory, whatever their number; the newest one always stays.
pub const ROOM_RING_BYTES: usize = 8 * 1024 * 1024;
/// Events that came before their turn and wait in a room; one more makes it read the log.
pub const ROOM_HELD_EVENTS: usize = 256;
/// How long a room waits for a missing event before it reads the log.
pub const ROOM_GAP_MS: u64 = 500;
/// Fruitless reads of the log for one missing event before the room starts anew from the head.
pub const ROOM_RELOADS: u32 = 5;
/// Events in one `ev` frame; more go into the next one.
pub const EV_FRAME_EVENTS: usize = 256;
/// Bytes of one `ev` frame, at which the next event goes into the next frame.
pub const EV_FRAME_BYTES: usize = 256 * 1024;
/// Longest id of a mutation; a longer one is answered with `error`.
pub const MUTATION_ID_BYTES: usize = 64;
/// Unusable frames of one connection; one more closes it (4400).
pub const WS_BAD_FRAMES: u32 = 20;
/// Longest time for the closing handshake of a WebSocket.
pub const WS_CLOSE_MS: u64 = 1_000;
/// Colour slots of participants; with more people on one board some share a colour.
pub const PRESENCE_SLOTS: u8 = 12;
/// Departures that a room remembers; whoever is further behind is closed as too slow (4408).
pub const PRESENCE_GONE: usize = 1_024;
/// Bytes of one streaming message's text that a room keeps; the rest comes with the final event.
pub const STREAM_TEXT_BYTES: usize = 2 * 1024 * 1024;
/// Messages that may stream at once in one session; one more comes with its final event only.
pub const STREAM_MESSAGES: usize = 64;
/// Bytes of one update of a document; a larger one is refused with `error too_large`.
pub const DOC_UPDATE_BYTES: usize = 512 * 1024;
/// Bytes of a whole document with its history of deletions; an update beyond is refused with
/// `error too_large`.
pub const DOC_BYTES: usize = 1024 * 1024;
/// Bytes from which an update is applied apart from the threads that serve everybody.
pub const DOC_INLINE_BYTES: usize = 16 * 1024;
/// Connections on one document; one more is refused with `error too_large`.
pub const DOC_SUBSCRIBERS: usize = 64;
/// Updates a second per connection, on average; with more, its next frame is read later.
pub const DOC_UPDATES_PER_SEC: u32 = 40;
/// Updates that may come at once.
pub const DOC_UPDATES_BURST: u32 = 80;
/// Updates of a document that its room keeps in memory; whoever is further behind gets the whole state.
pub const DOC_RING_UPDATES: usize = 256;
/// Bytes of updates that a document's room keeps in memory; the newest one always stays.
pub const DOC_RING_BYTES: usize = 1024 * 1024;
/// Bytes of what one client tells of itself in a document; a larger frame is refused with `error`.
pub const DOC_AWARENESS_BYTES: usize = 2 * 1024;
/// Awareness frames a second per connection; more wait, and the newest replaces the others.
pub const DOC_AWARENESS_PER_SEC: u32 = 20;
/// Departures from a document that its room remembers; a reader further behind lets them time out.
pub const DOC_GONE: usize = 256;
/// Updates after which a document is stored as one state.
pub const DOC_COMPACT_UPDATES: i64 = 200;
/// Bytes of updates after which a document is stored as one state.
pub const DOC_COMPACT_BYTES: usize = 256 * 1024;
/// How long a document that nobody changes or joins stays in memory.
pub const DOC_IDLE_MS: u64 = 60_000;
/// Documents in memory; with one more those that nobody uses right now are let go.
pub const DOCS_OPEN: usize = 256;
/// How long a note's `text` waits for the next change of its document before it follows.
pub const DOC_FOLLOW_MS: u64 = 400;
/// Longest time that a note's `text` stays behind its document while people write.
pub const DOC_FOLLOW_MAX_MS: u64 = 2_000;
/// Messages between daemons that may wait, in each direction; one more is lost, and rooms notice it.
pub const BUS_QUEUE: usize = 8_192;
/// Longest time to connect to the bus; then it is tried again.
pub const BUS_CONNECT_MS: u64 = 5_000;
/// Pause between two attempts to connect to the bus.
pub const BUS_RECONNECT_MS: u64 = 500;
/// Interval of pings to the bus; two without an answer end the connection.
pub const BUS_PING_MS: u64 = 5_000;
/// Interval at which a daemon says that it lives.
pub const BUS_BEAT_MS: u64 = 1_000;
/// Silence after which another daemon's participants are taken off the boards.
pub const BUS_DEAD_MS: u64 = 5_000;
/// Interval of comparing rooms with the database while the bus is open, in beats; without it each beat.
pub const BUS_LOOK_BEATS: u64 = 5;
/// Topics whose heads are read at once.
pub const BUS_LOOK_TOPICS: usize = 500;
/// Bytes of streamed text in one message between daemons; a longer text goes in several.
pub const BUS_TEXT_BYTES: usize = 64 * 1024;
/// Agents that are shown at work on one board; more work unseen, until one of those leaves.
pub const BOARD_AGENTS: usize = 64;
/// Joins that read a state or a log at once; the next ones wait for their turn.
pub const JOINS_AT_ONCE: usize = 32;
/// Whole states that are served in a second on average; who comes too early is told when to come back.
pub const SNAPSHOTS_PER_SEC: u32 = 1_000;
/// Whole states that are served at once after a quiet time.
pub const SNAPSHOTS_BURST: u32 = 2_500;
/// Shortest time after which somebody who was sent away is to come back.
pub const RETRY_MIN_MS: u64 = 250;
/// Longest time after which somebody who was sent away is to come back.
pub const RETRY_MAX_MS: u64 = 5_000;
/// Participants in one message between daemons; more go in several.
pub const BUS_PEERS: usize = 64;
/// Shortest time between two questions of one room for text that it lacks.
pub const BUS_ASK_MS: u64 = 1_000;
/// Time to send what waits for other daemons when a daemon ends.
pub const BUS_END_MS: u64 = 1_000;
/// Mutations of a client that may wait for an answer; one more is refused on the spot.
pub const CLIENT_UNANSWERED: usize = 1_000;
/// Longest frame that a client takes; a longer one ends its connection.
pub const CLIENT_FRAME_BYTES: usize = 256 * 1024 * 1024;
/// Longest time of a client to connect; then it tries again.
pub const CLIENT_CONNECT_MS: u64 = 10_000;
/// First pause of a client between two attempts to connect; it doubles, with jitter.
pub const CLIENT_PAUSE_MS: u64 = 100;
/// Longest such pause.
pub const CLIENT_PAUSE_MAX_MS: u64 = 5_000;
/// How long a room without subscribers stays in memory.
pub const ROOM_IDLE_MS: u64 = 60_000;
/// Messages in the snapshot of a session topic; older ones are read over REST.
pub const SESSION_SNAPSHOT_MESSAGES: u64 = 200;

/// Longest JSON-RPC line; a longer one ends the connection.
pub const IPC_LINE_BYTES: usize = 8 * 1024 * 1024;
/// Lines that may wait for the socket, per queue (requests, events); senders wait when it is full.
pub const IPC_QUEUE_LINES: usize = 256;
/// Requests that may wait for an answer on one connection; one more is refused with `busy`.
pub const IPC_PENDING_REQUESTS: usize = 1_024;
/// Requests of the other side that are worked on at once; one more is refused with `busy`.
pub const IPC_RUNNING_REQUESTS: usize = 256;
/// Lines that are no JSON-RPC before the connection is closed.
pub const IPC_BAD_LINES: u64 = 8;
/// Time that a closing connection has to write its last answers.
pub const IPC_CLOSE_MS: u64 = 1_000;
/// Default time for one JSON-RPC request.
pub const IPC_REQUEST_MS: u64 = 30_000;
/// Interval of pings from daemon to executor.
pub const IPC_PING_MS: u64 = 5_000;
/// Silence after which an executor's lease is over and its session is `lost`.
pub const IPC_LEASE_MS: u64 = 20_000;
/// How long an executor without a daemon goes on with a running task.
pub const EXECUTOR_ORPHAN_MS: u64 = 600_000;
/// Bytes of events an executor keeps until they are acknowledged; the agent waits when it is full.
pub const REPLAY_BYTES: usize = 8 * 1024 * 1024;
/// Time between `shutdown` and the kill.
pub const EXECUTOR_GRACE_MS: u64 = 3_000;
/// How long an executor without a task waits for a connection before it ends.
pub const EXECUTOR_UNATTACHED_MS: u64 = 30_000;
/// Idle executors are ended after this time.
pub const EXECUTOR_IDLE_MS: u64 = 300_000;
/// First pause before a crashed executor is started again; it doubles with each crash.
pub const EXECUTOR_RESTART_MS: i64 = 1_000;
/// Longest such pause.
pub const EXECUTOR_RESTART_MAX_MS: i64 = 30_000;
/// Restarts of a session's executor after crashes; one more crash and it stays down until somebody
/// restarts it.
pub const EXECUTOR_RESTARTS: u32 = 5;
/// An executor that has run this long is stable: its crashes are forgotten.
pub const EXECUTOR_STABLE_MS: i64 = 300_000;
/// Longest wait for the monitor to reap an executor whose connection has closed; then it is killed.
pub const EXECUTOR_REAP_MS: u64 = 2_000;
/// Memory of one executor in MiB, when `grove.toml` says nothing; at the limit its processes are
/// killed.
pub const EXECUTOR_MEMORY_MIB: u32 = 4_096;
/// Private temporary files of one executor in MiB, when `grove.toml` says nothing.
pub const EXECUTOR_TMP_MIB: u32 = 512;
/// Files of one worktree in MiB, when `grove.toml` says nothing; above it the task is stopped.
pub const EXECUTOR_DISK_MIB: u32 = 10_240;
/// Ended executors that the registry keeps; the oldest are removed.
pub const EXECUTOR_ROWS: u64 = 10_000;
/// Keys that the executor of one session may ask for in a minute; one more is refused with `busy`, and
/// the agent tries again after a pause.
pub const CREDENTIALS_PER_MINUTE: u32 = 240;
/// Lines of groved's log that one executor may fill in a minute with what it says on standard error;
/// then it is not read until the minute is over, and what finds no room in its pipe is lost.
pub const EXECUTOR_LOG_LINES: u32 = 120;
/// Bytes of such a line; a longer one becomes several.
pub const EXECUTOR_LOG_LINE_BYTES: usize = 1_024;
/// Interval of removing what has expired: session tokens, old executors.
pub const UPKEEP_MS: u64 = 60_000;
/// Interval of measuring a worktree while a task runs in it.
pub const DISK_SAMPLE_MS: u64 = 10_000;
/// Longest wait for the first measurement, before the first task of an executor.
pub const DISK_FIRST_MS: u64 = 2_000;
/// Files and directories that one measurement looks at; a larger worktree counts with what was seen.
pub const DISK_ENTRIES: u64 = 2_000_000;
/// Longest time for one measurement; what was seen until then counts.
pub const DISK_WALK_MS: u64 = 5_000;
/// Executors that may live at once; one more prompt waits in the queue.
pub const EXECUTORS: usize = 64;
/// Keepers that may live at once, one per Unix account; with one more the longest idle one ends.
pub const KEEPERS: usize = 32;
/// Bytes of conversation handed to an executor with a prompt; the oldest messages are left out.
pub const HISTORY_BYTES: usize = 4 * 1024 * 1024;
/// Longest time between two checkpoints of a streaming message.
pub const CHECKPOINT_MS: u64 = 1_000;
/// Streamed bytes after which a message is checkpointed before its time.
pub const CHECKPOINT_BYTES: usize = 64 * 1024;

/// Entries of the audit that may wait to be stored, calls that are under way included; a call waits
/// when it is full, so that none is made without its entry.
pub const AUDIT_QUEUE: usize = 8_192;
/// Entries that are stored at once.
pub const AUDIT_BATCH: usize = 256;
/// How long an entry waits for others to be stored with it.
pub const AUDIT_BATCH_MS: u64 = 50;
/// Interval at which calls that are only counted become entries.
pub const AUDIT_TALLY_MS: u64 = 300_000;
/// Shortest time between two writings of the audit's anchor file.
pub const AUDIT_ANCHOR_MS: u64 = 1_000;
/// Bytes of an entry's detail; of a longer one only the size is kept.
pub const AUDIT_DETAIL_BYTES: usize = 16 * 1024;
/// How long entries are kept when `grove.toml` does not say, in days.
pub const AUDIT_KEEP_DAYS: u32 = 90;
/// Entries that are pruned at once; the rest follows with the next turn.
pub const AUDIT_PRUNE_ROWS: u64 = 5_000;
/// Interval of pruning.
pub const AUDIT_PRUNE_MS: u64 = 24 * 3_600_000;
/// Time to store what waits when Grove ends.
pub const AUDIT_END_MS: u64 = 5_000;

/// Datagram between daemon and monitor; a larger one is refused.
pub const MONITOR_DATAGRAM_BYTES: usize = 64 * 1024;
/// Ended executors whose outcome the monitor remembers; the oldest is forgotten.
pub const ENDED_EXECUTORS: usize = 128;
/// Processes and threads of one executor, when `grove.toml` says nothing.
pub const EXECUTOR_PROCESSES: u32 = 512;
/// Files that one process of an executor may have open.
pub const EXECUTOR_OPEN_FILES: u64 = 8_192;
/// Files and connections that the daemon may have open.
pub const DAEMON_OPEN_FILES: u64 = 65_536;
/// Directories that one executor may be granted besides its own; more are refused.
pub const EXECUTOR_ROOTS: usize = 64;
/// Restarts of the daemon within a minute before the monitor gives up.
pub const DAEMON_RESTARTS_PER_MINUTE: u32 = 10;

/// Byte streams that one executor may have open at once; the daemon refuses the next one with `busy`.
pub const TUNNELS: usize = 64;
/// Byte streams that an executor opens at once; the next one waits. Fewer than `TUNNELS`, because the
/// daemon may still be writing the last bytes of some that have ended here.
pub const TUNNELS_OPENED: usize = 48;
/// Pause before an executor asks again after `busy`.
pub const TUNNEL_BUSY_MS: u64 = 50;
/// Bytes of a tunnel that may be on their way or wait to be taken, for each direction; then the
/// sender waits. More than that ends the tunnel.
pub const TUNNEL_WINDOW_BYTES: usize = 64 * 1024;
/// Bytes of a tunnel in one JSON-RPC line.
pub const TUNNEL_PIECE_BYTES: usize = 16 * 1024;
/// Lines of tunnels that may wait for the socket; senders wait when there are more.
pub const TUNNEL_LINES: usize = 64;
/// Silence in both directions after which a tunnel is closed.
pub const TUNNEL_IDLE_MS: u64 = 600_000;
/// Longest time to open a tunnel: name, connection, and a daemon that is just starting again.
pub const TUNNEL_OPEN_MS: u64 = 20_000;
/// Longest time to connect to one address of a host; then comes the next one.
pub const EGRESS_CONNECT_MS: u64 = 5_000;
/// Addresses of one host that are tried.
pub const EGRESS_ADDRESSES: usize = 8;
/// Entries of the list of permitted hosts; more are a mistake in the configuration.
pub const EGRESS_ENTRIES: usize = 1_000;
/// Connections to an executor's own proxy at once, the idle ones included; more wait to be accepted.
pub const PROXY_CONNECTIONS: usize = 128;

/// Bytes of a bundle between two keepers that travel in one answer.
pub const BUNDLE_PIECE_BYTES: usize = 1024 * 1024;
/// Bytes of one bundle; a repository with more is answered with `too_large`.
pub const BUNDLE_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// Branches and tags that come with one bundle; a repository with more is answered with `too_large`.
pub const BUNDLE_REFS: usize = 20_000;

/// Longest time for a local git command.
pub const GIT_LOCAL_MS: u64 = 60_000;
/// Longest time for a clone or fetch.
pub const GIT_REMOTE_MS: u64 = 1_800_000;
/// Bytes kept of git's standard error.
pub const GIT_STDERR_BYTES: usize = 4_096;
/// Bytes kept of git's standard output, patches apart.
pub const GIT_STDOUT_BYTES: usize = 16 * 1024 * 1024;
/// Time between the polite and the hard end of a git command.
pub const GIT_GRACE_MS: u64 = 2_000;
/// Bytes of one file's patch in a diff; a longer one is cut and says so.
pub const DIFF_FILE_BYTES: usize = 256 * 1024;
/// Bytes of all patches in a diff; files over it come without a patch and say so.
pub const DIFF_TOTAL_BYTES: usize = 4 * 1024 * 1024;
/// Files in a diff.
pub const DIFF_FILES: usize = 2_000;

/// Bytes of streamed text after which a delta is sent before `STREAM_TICK_MS` is over.
pub const STREAM_CHUNK_BYTES: usize = 4 * 1024;
/// Bytes of text and tool arguments in one answer of a model; a longer one ends the turn.
pub const ANSWER_BYTES: usize = 1024 * 1024;
/// Tries of one model call when the provider is overloaded, limits the rate or is unreachable.
pub const MODEL_TRIES: usize = 3;
/// First pause between two tries; it doubles.
pub const MODEL_RETRY_MS: u64 = 500;
/// Longest silence of a provider's stream.
pub const MODEL_SILENCE_MS: u64 = 300_000;
/// Longest time for one call of an MCP tool.
pub const MCP_CALL_MS: u64 = 60_000;
/// Time to connect to an MCP server and list its tools.
pub const MCP_CONNECT_MS: u64 = 10_000;
/// Tools taken from one MCP server.
pub const MCP_TOOLS: usize = 128;

/// Model calls in one task before the agent is stopped.
pub const AGENT_STEPS: u32 = 100;
/// Bytes of one tool's output that go to the model and into the history; the middle is left out.
pub const TOOL_OUTPUT_BYTES: usize = 64 * 1024;
/// Bytes that the read tool returns from one file.
pub const TOOL_READ_BYTES: usize = 256 * 1024;
/// Default and longest time for one shell command of an agent.
pub const TOOL_BASH_MS: u64 = 120_000;
/// Largest file that the edit tool changes.
pub const TOOL_EDIT_BYTES: usize = 4 * 1024 * 1024;
/// Entries that the list tool returns.
pub const TOOL_LIST_ENTRIES: usize = 1_000;
/// Rounds of looking for processes that a command left behind.
pub const SWEEP_ROUNDS: usize = 16;
/// Longest time an agent may ask for.
pub const TOOL_BASH_MAX_MS: u64 = 600_000;

/// Rights of people on boards that a daemon keeps in memory; one more and it begins anew.
pub const RIGHTS_KEPT: usize = 50_000;
/// Longest time for which a right is kept where other daemons change rights too, and time between two
/// looks at the database for changes that the bus lost.
pub const RIGHTS_AGE_MS: u64 = 1_000;
/// People who are named as those who can give a right; others are left out.
pub const RIGHT_GIVERS: usize = 10;
/// Grants on one board; one more is answered with `conflict`.
pub const BOARD_GRANTS: u64 = 500;
/// Groups of the instance; one more is answered with `conflict`.
pub const GROUPS: u64 = 500;
/// People in one group; one more is answered with `conflict`.
pub const GROUP_MEMBERS: u64 = 1_000;

/// Life of an MCP session token.
pub const MCP_TOKEN_MS: i64 = 24 * 3_600_000;
/// Personal access tokens of one person; one more is answered with `conflict`.
pub const PERSONAL_TOKENS: u64 = 50;
/// Life of a personal access token that names none.
pub const PERSONAL_TOKEN_DAYS: i64 = 90;
/// Longest life of a personal access token; more is answered with `invalid_request`.
pub const PERSONAL_TOKEN_MAX_DAYS: i64 = 3_650;
/// Shortest time between two notes of a token's last use.
pub const TOKEN_USE_MS: i64 = 60_000;
/// Life of an access token (JWT).
pub const ACCESS_TOKEN_SECS: i64 = 900;
/// Life of a login session without use.
pub const LOGIN_SESSION_SECS: i64 = 14 * 24 * 3_600;
