import type { WalletAddressKey } from './model.ts'

type Key = Pick<WalletAddressKey['jwk'], 'kid' | 'x' | 'kty' | 'crv'>

/**
 * The `did:web` identifier of a wallet address: the one that resolves to `<wallet address>/did.json`
 * (did:web method, sections 2.1 and 2.5.2).
 */
export function didOf(walletAddressUrl: string): string {
  const { host, pathname } = new URL(walletAddressUrl)
  const parts = [host, ...pathname.split('/').filter((part) => part !== '')]
  return `did:web:${parts.map(escapePart).join(':')}`
}

/** The DID document of a wallet address: its keys, and that it is the same subject (DID Core, section 5). */
export function didDocument(walletAddressUrl: string, keys: readonly Key[]) {
  const id = didOf(walletAddressUrl)
  const methods = keys.map(({ kid, x, kty, crv }) => ({
    id: `${id}#${encodeURIComponent(kid)}`,
    type: 'JsonWebKey2020',
    controller: id,
    publicKeyJwk: { kty, crv, x, kid }
  }))
  const ids = methods.map((method) => method.id)
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/suites/jws-2020/v1'],
    id,
    alsoKnownAs: [walletAddressUrl],
    verificationMethod: methods,
    authentication: ids,
    assertionMethod: ids
  }
}

/** What is no character of a DID is written as %XX (DID Core, section 3.1); %XX of the URL stays. */
function escapePart(part: string): string {
  return part.replace(
    /[^A-Za-z0-9._%-]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  )
}
