import fc from 'fast-check'

/*
 * What happens in a history: steps of clients, browsers, identity providers, resource servers, operators, and of time.
 * A step names what it is about by numbers (the third grant, the first token) that are taken modulo what there is, so
 * that every list of steps is a history, and stays one while it shrinks.
 */

/** Who signs: the client whose grant it is, another one, nobody, or somebody else under the client's key id. */
export type Signer = 'own' | 'other' | 'nobody' | 'forger'
/** Clients 0 and 1 have wallet addresses, client 2 is a key (directed identity). */
export type ClientIndex = 0 | 1 | 2
export type TenantName = 'operator' | 'own' | 'unknown'
export type ProviderName = 'first' | 'second'
export type AccessName =
  | 'incoming'
  | 'quote'
  | 'outgoing'
  | 'list-all'
  | 'list-all of nobody'
  | 'two amounts'
  | 'no interval'
  | 'none'

/** Which grant or token; -1 is one that does not exist. */
type Index = number

export type Step =
  | {
      kind: 'ask'
      client: ClientIndex
      tenant: TenantName
      access: AccessName
      subject: boolean
      interact: 'finish' | 'silent' | 'none'
      by: Signer
    }
  | {
      kind: 'continue'
      grant: Index
      by: Signer
      token: TokenChoice
      with: 'nothing' | 'own reference' | 'reference of another' | 'unknown reference' | 'no reference'
    }
  | { kind: 'cancel'; grant: Index; by: Signer; token: TokenChoice }
  | { kind: 'start' | 'finish'; grant: Index; browser: number; nonce: 'own' | 'other' }
  | { kind: 'details'; grant: Index; secret: SecretChoice }
  | { kind: 'decide'; grant: Index; secret: SecretChoice; choice: 'accept' | 'reject' | 'maybe' }
  | { kind: 'rotate' | 'revoke'; token: Index; by: Signer; value: 'own' | 'other' | 'none' }
  | { kind: 'introspect'; token: Index; access: 'own' | 'a part' | 'more' | 'of another' | 'nothing' }
  | { kind: 'wait'; ms: number }
  | { kind: 'revoke grant'; grant: Index; by: TenantName }
  | { kind: 'publish'; client: 0 | 1; key: boolean }
  | { kind: 'provider'; is: ProviderName | 'none' }
  | { kind: 'delete tenant' }
  /** What an honest party would do next about a grant. */
  | { kind: 'go on'; grant: Index; browser: number; accept: boolean }

export type TokenChoice = 'own' | 'of another' | 'unknown' | 'none'
export type SecretChoice = 'own' | 'of another' | 'shorter' | 'none'

/** The first value nearly always, the others now and then. */
function mostly<T>(first: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(first) },
    { weight: 1, arbitrary: fc.constantFrom(...others) }
  )
}

const index = fc.oneof({ weight: 30, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.constant(-1) })
const by = mostly<Signer>('own', 'other', 'nobody', 'forger')
const token = mostly<TokenChoice>('own', 'of another', 'unknown', 'none')
const secret = mostly<SecretChoice>('own', 'of another', 'shorter', 'none')
const browser = fc.nat(1)
const nonce = mostly<'own' | 'other'>('own', 'other')

const ask = fc.record({
  kind: fc.constant('ask' as const),
  client: fc.constantFrom<ClientIndex>(0, 0, 0, 1, 1, 2),
  tenant: fc.constantFrom<TenantName>('operator', 'operator', 'own', 'own', 'own', 'unknown'),
  access: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<AccessName>('incoming', 'quote', 'list-all') },
    { weight: 6, arbitrary: fc.constant<AccessName>('outgoing') },
    {
      weight: 1,
      arbitrary: fc.constantFrom<AccessName>('list-all of nobody', 'two amounts', 'no interval', 'none')
    }
  ),
  subject: mostly(false, true, true),
  interact: fc.constantFrom<'finish' | 'silent' | 'none'>('finish', 'finish', 'silent', 'silent', 'none'),
  by
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: ask },
  {
    weight: 40,
    arbitrary: fc.record({
      kind: fc.constant('go on' as const),
      grant: fc.constantFrom(0, 0, 0, 0, 1, 1, 1, 2, 2, 3),
      browser,
      accept: mostly(true, false, false)
    })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('continue' as const),
      grant: index,
      by,
      token,
      with: fc.constantFrom<Extract<Step, { kind: 'continue' }>['with']>(
        'nothing',
        'nothing',
        'own reference',
        'own reference',
        'reference of another',
        'unknown reference',
        'no reference'
      )
    })
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), grant: index, by, token }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('start' as const, 'finish' as const),
      grant: index,
      browser,
      nonce
    })
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('details' as const), grant: index, secret }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      grant: index,
      secret,
      choice: fc.constantFrom<'accept' | 'reject' | 'maybe'>('accept', 'accept', 'accept', 'reject', 'maybe')
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('rotate' as const, 'rotate' as const, 'revoke' as const),
      token: index,
      by,
      value: fc.constantFrom<'own' | 'other' | 'none'>('own', 'own', 'own', 'own', 'other', 'none')
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('introspect' as const),
      token: index,
      access: fc.constantFrom<Extract<Step, { kind: 'introspect' }>['access']>(
        'own',
        'own',
        'a part',
        'more',
        'of another',
        'nothing'
      )
    })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(1, 4_999, 5_000, 5_001, 60_000) },
        { weight: 2, arbitrary: fc.constantFrom(299_999, 595_000, 599_999, 600_000) }
      )
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('revoke grant' as const),
      grant: index,
      by: fc.constantFrom<TenantName>('operator', 'own')
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      client: fc.constantFrom<0 | 1>(0, 1),
      key: fc.boolean()
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('provider' as const),
      is: fc.constantFrom<ProviderName | 'none'>('first', 'second', 'none')
    })
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'delete tenant' }) }
)

/** Histories of several clients with several grants. */
export const histories: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 12, maxLength: 50, size: 'max' })
