/** Servers that somebody else runs for local networks, instead of those that they find on this machine. */
export interface Servers {
  readonly description: string
  /** Its user may create databases. */
  readonly postgresUrl: string
  /** Databases of Redis that nobody else uses. */
  takeCacheUrls(count: number): string[]
}
