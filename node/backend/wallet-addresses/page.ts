const PLACEHOLDERS = /%(wa|ewa|wp|ewp)/g

/**
 * The page that people see at a wallet address: WALLET_ADDRESS_REDIRECT_HTML_PAGE with the first of each of its
 * placeholders filled in. `%wa` is the URL, `%wp` the URL without `https://`; `%ewa` and `%ewp` the same, encoded.
 */
export function pageOf(template: string, walletAddressUrl: string): string {
  const pointer = walletAddressUrl.replace(/^https:\/\//, '')
  const values: Record<string, string> = {
    wa: walletAddressUrl,
    ewa: encodeURIComponent(walletAddressUrl),
    wp: pointer,
    ewp: encodeURIComponent(pointer)
  }
  const used = new Set<string>()
  return template.replace(PLACEHOLDERS, (placeholder, name: string) => {
    if (used.has(name)) return placeholder
    used.add(name)
    return values[name]!
  })
}

/** Whether the pages made of a template are URLs of the web. */
export function isPageTemplate(template: string): boolean {
  const page = pageOf(template, 'https://wallet.example/alice')
  return URL.canParse(page) && /^https?:$/.test(new URL(page).protocol)
}
