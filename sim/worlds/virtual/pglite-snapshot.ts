/** A file, directory, link or device of Emscripten's in-memory file system, as far as it is put back. */
interface FileNode {
  name: string
  parent: FileNode
  name_next: FileNode | undefined
  mode: number
  atime: number
  mtime: number
  ctime: number
  contents: Uint8Array | Record<string, FileNode> | undefined
  usedBytes: number | undefined
  node_ops: { setattr?: (node: FileNode, ...rest: unknown[]) => unknown }
  stream_ops: { write?: (stream: { node: FileNode }, ...rest: unknown[]) => unknown }
}

interface OpenFile {
  shared: Record<string, unknown>
}

/** What PGlite's module shows of itself: memory, stack and files. */
export interface EngineModule {
  HEAPU8: Uint8Array
  FS: {
    root: FileNode
    nameTable: (FileNode | undefined)[]
    nextInode: number
    streams: (OpenFile | null | undefined)[]
  }
  stackSave(): number
}

/** The engine cannot be put back: something of it lies outside of memory and files. */
export class SnapshotError extends Error {
  override name = 'SnapshotError'
}

/** Memory is kept by such pieces; those that hold zeros alone are most of it, and are not kept. */
const PIECE_BYTES = 65_536
const ZEROS = Buffer.alloc(PIECE_BYTES)

/**
 * Remembers an engine that is idle: all that it knows is its memory, and its files, which lie in memory as well.
 * The function that it returns puts both back, in some hundredths of a second, as often as it is called.
 */
export function snapshotEngine(engine: EngineModule): () => void {
  const stack = engine.stackSave()
  const memory = keepMemory(engine)
  const files = keepFiles(engine)
  return () => {
    if (engine.stackSave() !== stack) throw new SnapshotError('the engine is at work')
    memory()
    files()
  }
}

function keepMemory(engine: EngineModule): () => void {
  const kept = new Map<number, Buffer>()
  const length = engine.HEAPU8.length
  for (const at of pieces(length)) {
    const piece = pieceAt(engine, at)
    if (!piece.equals(ZEROS)) kept.set(at, Buffer.from(piece))
  }
  return () => {
    for (const at of pieces(engine.HEAPU8.length)) {
      const piece = pieceAt(engine, at)
      const before = kept.get(at)
      if (before) before.copy(piece)
      else if (!piece.equals(ZEROS)) piece.fill(0)
    }
  }
}

function* pieces(length: number): Generator<number> {
  for (let at = 0; at < length; at += PIECE_BYTES) yield at
}

function pieceAt({ HEAPU8 }: EngineModule, at: number): Buffer {
  return Buffer.from(HEAPU8.buffer, HEAPU8.byteOffset + at, PIECE_BYTES)
}

function keepFiles({ FS }: EngineModule): () => void {
  const nameTable = [...FS.nameTable]
  const nextInode = FS.nextInode
  const streams = FS.streams.map(
    (stream) => stream && { stream, fields: { ...stream }, shared: { ...stream.shared } }
  )
  const nodes = [...nodesOf(FS)].map((node) => {
    const { name, parent, name_next: next, mode, atime, mtime, ctime, contents, usedBytes } = node
    const bytes = contents instanceof Uint8Array ? contents.slice(0, usedBytes) : undefined
    const entries = bytes || contents === undefined ? undefined : { ...contents }
    return { node, fields: { name, parent, name_next: next, mode, atime, mtime, ctime }, bytes, entries }
  })
  const written = watchWrites(nodes.map(({ node }) => node))

  return () => {
    for (const { node, fields, bytes, entries } of nodes) {
      Object.assign(node, fields)
      if (entries) node.contents = { ...(entries as Record<string, FileNode>) }
      if (bytes && written.has(node)) {
        node.contents = bytes.slice()
        node.usedBytes = bytes.length
      }
    }
    written.clear()
    FS.nameTable.length = 0
    // A table with holes: what is not there must not be read as an entry.
    nameTable.forEach((node, index) => (FS.nameTable[index] = node))
    FS.nextInode = nextInode
    FS.streams.length = 0
    streams.forEach((kept, index) => {
      // A close takes the descriptor out of the stream; its position is shared with its duplicates.
      if (kept) Object.assign(Object.assign(kept.stream, kept.fields).shared, kept.shared)
      FS.streams[index] = kept?.stream
    })
  }
}

/** The root, and every node of the table of names: chains of those whose names have one hash. */
function* nodesOf({ root, nameTable }: EngineModule['FS']): Generator<FileNode> {
  const seen = new Set<FileNode>()
  for (const first of [root, ...nameTable]) {
    for (let node = first; node && !seen.has(node); node = node.name_next) {
      seen.add(node)
      yield node
    }
  }
}

/** Files whose bytes changed since they were last put back. The functions are shared by all files. */
function watchWrites(nodes: readonly FileNode[]): Set<FileNode> {
  const written = new Set<FileNode>()
  const streamOps = new Set(nodes.map((node) => node.stream_ops))
  const nodeOps = new Set(nodes.map((node) => node.node_ops))
  for (const ops of streamOps) {
    const { write } = ops
    if (!write) continue
    ops.write = (stream, ...rest) => {
      written.add(stream.node)
      return write(stream, ...rest)
    }
  }
  for (const ops of nodeOps) {
    const { setattr } = ops
    if (!setattr) continue
    ops.setattr = (node, ...rest) => {
      written.add(node)
      return setattr(node, ...rest)
    }
  }
  return written
}
