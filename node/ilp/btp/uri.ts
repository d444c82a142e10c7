/** Where a peer's BTP server is, and with what to introduce oneself. */
export interface BtpUri {
  /** TLS (`btp+wss:`). */
  isSecure: boolean
  /** A name or an address; IPv6 in brackets. */
  host: string
  port: number
  /** With the query; at least `/`. */
  path: string
  /** '' where the URI names none. */
  account: string
  token: string | undefined
}

/**
 * What a URI of the form `btp+ws(s)://account:token@host:port/path` says, as deployed BTP plugins write it;
 * account and token may be left out. Undefined for everything else. Never throws.
 */
export function parseBtpUri(text: string): BtpUri | undefined {
  if (!/^btp\+wss?:\/\//.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const isSecure = url.protocol === 'btp+wss:'
  // The same text as http: gets the checks and the normal form of host names, which unknown schemes lack.
  const asHttp = text.replace(/^btp\+ws/, 'http')
  if (url.hash !== '' || !URL.canParse(asHttp)) return undefined
  const { hostname, port, pathname, search, username, password } = new URL(asHttp)
  const account = decode(username)
  const token = decode(password)
  if (hostname === '' || account === undefined || token === undefined) return undefined
  return {
    isSecure,
    host: hostname,
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    path: pathname + search,
    account,
    token: token === '' ? undefined : token
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
