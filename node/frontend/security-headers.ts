/**
 * What a browser may do with a page: run our scripts, load our files, send forms to us, and nothing else. Nothing of
 * another host is ever loaded. Style attributes are allowed, style elements are not: the component library sets some.
 */
export function securityHeaders({
  scriptNonce,
  isProduction,
  formTargets
}: {
  scriptNonce: string
  isProduction: boolean
  /** Origins beside our own that a form, or what answers it, may lead to. */
  formTargets: readonly string[]
}): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'nonce-${scriptNonce}'`,
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    ["form-action 'self'", ...formTargets].join(' '),
    "base-uri 'none'",
    "frame-ancestors 'self'"
  ]
  return {
    'content-security-policy': policy.join('; '),
    'x-frame-options': 'SAMEORIGIN',
    'x-content-type-options': 'nosniff',
    // Forms of this origin must tell it (a stricter policy makes browsers send `Origin: null`).
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    ...(isProduction && { 'strict-transport-security': 'max-age=31536000' })
  }
}
