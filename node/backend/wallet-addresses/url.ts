/** Parts of a path that belong to the resource server's own routes. */
const FORBIDDEN_PATH_PARTS = ['/incoming-payments', '/outgoing-payments', '/quotes']

/** The longest URL of a wallet address, in characters. */
export const MAX_WALLET_ADDRESS_LENGTH = 2_048

/**
 * The form in which wallet addresses are stored and looked up: lower case, without slashes at the end, and without the
 * dot that may end a host's name (RFC 3986, 3.2.2: the same host). Undefined for what is no URL.
 */
export function normalizeWalletAddressUrl(url: string): string | undefined {
  if (url.length > MAX_WALLET_ADDRESS_LENGTH || !URL.canParse(url)) return undefined
  const parsed = new URL(url)
  parsed.hostname = parsed.hostname.replace(/\.+$/, '')
  return parsed.href.toLowerCase().replace(/\/+$/, '')
}

/**
 * The wallet address that a full URL below `baseUrl`, or a path relative to it, names.
 * Otherwise what is wrong with it.
 */
export function resolveWalletAddressUrl(
  address: string,
  baseUrl: string
): { url: string } | { problem: string } {
  const base = normalizeWalletAddressUrl(baseUrl)
  if (base === undefined) return { problem: `the tenant's base URL "${baseUrl}" is no URL` }
  const url = normalizeWalletAddressUrl(URL.canParse(address) ? address : joinPath(base, address))
  if (url === undefined) return { problem: `"${address}" is neither a URL nor a path` }
  const { protocol, pathname, search, hash, username, password } = new URL(url)
  if (protocol !== 'https:') return { problem: `"${url}" does not start with https:` }
  if (pathname === '/') return { problem: `"${url}" has no path` }
  if (search || hash || username || password) {
    return { problem: `"${url}" has a query, a fragment or credentials` }
  }
  if (!url.startsWith(`${base}/`)) return { problem: `"${url}" is not below ${base}` }
  const forbidden = FORBIDDEN_PATH_PARTS.find((part) => pathname.includes(part))
  if (forbidden !== undefined) return { problem: `"${url}" contains ${forbidden}` }
  return { url }
}

function joinPath(base: string, path: string): string {
  return `${base}/${path.replace(/^\/+/, '')}`
}
