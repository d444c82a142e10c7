const PREFIX = 'second.'

/** Where the second process of a node's backend lives. */
export function secondHostOf(node: string): string {
  return PREFIX + node
}

/** The node whose connector, first or second, has this host. */
export function nodeOfConnector(host: string): string {
  return host.startsWith(PREFIX) ? host.slice(PREFIX.length) : host
}
