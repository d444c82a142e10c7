import type { Session, Unit } from './pglite-session.ts'
import { cString, message, SYNC } from './pglite-wire.ts'
import type { FrontendMessage } from './pglite-wire.ts'

/** Statements that the engine keeps parsed at most: where there are more, all are forgotten, and parsed when next bound. */
export const MAX_PARSED_STATEMENTS = 2_000

/** A statement as its client knows it. */
export interface KnownStatement {
  readonly sql: string
  /** Equal for statements of which the engine needs one. */
  readonly key: string
  /** What a Parse message says after the name: the SQL, and types of parameters. */
  readonly parse: Buffer
}

/** A unit as the engine is told it. */
export interface TranslatedUnit {
  readonly messages: readonly Buffer[]
  /** Statements that are parsed in addition to what the client asked for: the first of the answer's ParseCompletes. */
  readonly restored: number
  /** One for each Parse, in order: what is not there if it fails. */
  readonly parses: readonly { key: string | undefined; name: string | undefined }[]
}

/** The prepared statements of all clients, on the one session of the engine. */
export interface StatementBook {
  translate(session: Session, unit: Unit): TranslatedUnit
  /** @param parsed how many ParseCompletes the answer has */
  answered(session: Session, unit: TranslatedUnit, parsed: number): void
  /** SQL that a unit runs: its queries, and the statements that it binds. Asked after `answered`. */
  executedBy(session: Session, unit: Unit): string[]
  /** Statements of a database that are parsed from here on are others than those before: its tables may be. */
  shapeChanged(database: string): void
  /** Messages that make the engine forget statements where there are too many; undefined where there are not. */
  evict(): Buffer | undefined
}

/** A Parse of nothing is answered as any other, or skipped after an error as any other, and costs next to nothing. */
const PARSE_NOTHING = message('P', '\0\0', Buffer.alloc(2))
/** No statement has this name: closing it is answered as closing any other, binding it is an error. */
const NO_STATEMENT = 'no such statement'

/**
 * Clients prepare the same statements over and over, each connection its own, and parsing and planning one takes longer
 * than running it does. So the engine parses a text once per database, whichever client names it how: a Parse of what it
 * has is replaced by one of nothing, and a Bind names the engine's.
 *
 *   unknown ──Parse of a client──▶ parsed ──bound by any client──▶ parsed
 *      ▲  └──Bind of one evicted──▶   │
 *      └──it failed, or was evicted───┘
 *
 * A client that was told of a statement before tables changed keeps that one, and hears what PostgreSQL says of it ("cached
 * plan must not change result type"); one that parses the same text afterwards has another.
 */
export function createStatementBook(): StatementBook {
  const engineNames = new Map<string, string>()
  const shapes = new Map<string, number>()
  let names = 0

  function addName(key: string): string {
    const name = `q${(names += 1)}`
    engineNames.set(key, name)
    return name
  }

  /** Parsed under other settings, a text may mean something else. */
  function keyOf({ database, settings, touchedSettings }: Session, parse: Buffer): string {
    const alone = touchedSettings ? `alone ${names}` : ''
    const shape = shapes.get(database) ?? 0
    return [database, shape, JSON.stringify(settings), alone, parse.toString('latin1')].join('\0')
  }

  function translate(session: Session, unit: Unit): TranslatedUnit {
    const restored: Buffer[] = []
    const parses: { key: string | undefined; name: string | undefined }[] = []
    const restores: typeof parses = []

    function nameOf(name: string): string {
      const known = session.statements.get(name)
      if (known === undefined) return NO_STATEMENT
      const there = engineNames.get(known.key)
      if (there !== undefined) return there
      const added = addName(known.key)
      restored.push(message('P', `${added}\0`, known.parse))
      restores.push({ key: known.key, name: undefined })
      return added
    }

    function parse({ bytes }: FrontendMessage): Buffer {
      const { text: name, next } = cString(bytes, 5)
      const rest = bytes.subarray(next)
      // PostgreSQL refuses to prepare under a name that is there; the engine does for us.
      if (name !== '' && session.statements.has(name)) {
        const existing = nameOf(name)
        parses.push({ key: undefined, name: undefined })
        return message('P', `${existing}\0`, rest)
      }
      const known = { key: keyOf(session, rest), sql: cString(rest, 0).text, parse: Buffer.from(rest) }
      session.statements.set(name, known)
      if (engineNames.has(known.key)) {
        parses.push({ key: undefined, name })
        return PARSE_NOTHING
      }
      parses.push({ key: known.key, name })
      return message('P', `${addName(known.key)}\0`, rest)
    }

    function one(next: FrontendMessage): Buffer {
      const { type, bytes } = next
      const portalOf = (name: string) => (name === '' ? '' : `s${session.id}:${name}`)
      if (type === 'P') return parse(next)
      if (type === 'Q') session.statements.delete('')
      if (type === 'E') {
        const portal = cString(bytes, 5)
        return portal.text === ''
          ? bytes
          : message('E', `${portalOf(portal.text)}\0`, bytes.subarray(portal.next))
      }
      if (type === 'B') {
        const portal = cString(bytes, 5)
        const statement = cString(bytes, portal.next)
        const own = `${portalOf(portal.text)}\0${nameOf(statement.text)}\0`
        return message('B', own, bytes.subarray(statement.next))
      }
      if (type === 'D' || type === 'C') {
        const kind = bytes.subarray(5, 6)
        const { text } = cString(bytes, 6)
        if (kind.toString('latin1') === 'P') return message(type, kind, `${portalOf(text)}\0`)
        if (type === 'D') return message(type, kind, `${nameOf(text)}\0`)
        session.statements.delete(text)
        return message(type, kind, `${NO_STATEMENT}\0`)
      }
      return bytes
    }

    const messages = unit.messages.map(one)
    return {
      messages: [...restored, ...messages],
      restored: restored.length,
      parses: [...restores, ...parses]
    }
  }

  return {
    translate,
    answered(session, { parses }, parsed) {
      for (const { key, name } of parses.slice(parsed)) {
        if (key !== undefined) engineNames.delete(key)
        if (name !== undefined) session.statements.delete(name)
      }
    },
    executedBy(session, { messages }) {
      return messages.flatMap(({ type, bytes }) => {
        if (type === 'Q') return [cString(bytes, 5).text]
        if (type !== 'B') return []
        return session.statements.get(cString(bytes, cString(bytes, 5).next).text)?.sql ?? []
      })
    },
    shapeChanged: (database) => void shapes.set(database, (shapes.get(database) ?? 0) + 1),
    evict() {
      if (engineNames.size < MAX_PARSED_STATEMENTS) return undefined
      const closes = [...engineNames.values()].map((name) => message('C', `S${name}\0`))
      engineNames.clear()
      return Buffer.concat([...closes, SYNC])
    }
  }
}
