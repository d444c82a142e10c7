import type { BackendConfig } from '../config.ts'
import { failure } from '../model.ts'
import type { Failure, Transaction } from '../model.ts'
import type { TenantSetting } from './model.ts'
import { baseKey, basesAbove, basesOverlap, isAtOrBelow } from './settings.ts'
import type { TenantSettingRow } from './store.ts'

export type ClaimsConfig = Pick<
  BackendConfig,
  'OPERATOR_TENANT_ID' | 'OPEN_PAYMENTS_URL' | 'WALLET_ADDRESS_URL' | 'ILP_ADDRESS'
>
export type ClaimFailure = 'InvalidSetting' | 'DuplicateWalletAddressUrl'

/**
 * Refuses settings that claim what is another tenant's: its ILP address, its base URL, or where its wallet addresses
 * are. What deleted tenants had stays theirs. Until the transaction ends no other tenant can claim anything, and no
 * wallet address can be created.
 */
export async function refuseClaims(
  trx: Transaction,
  config: ClaimsConfig,
  tenantId: string,
  settings: readonly TenantSetting[]
): Promise<Failure<ClaimFailure> | undefined> {
  const base = settings.find(({ key }) => key === 'WALLET_ADDRESS_URL')
  const ilpAddress = settings.find(({ key }) => key === 'ILP_ADDRESS')
  if (!base && !ilpAddress) return undefined
  // One at a time: of two that overlap the second has to see the first.
  const operatorId = config.OPERATOR_TENANT_ID.toLowerCase()
  await trx('tenants').where({ id: operatorId }).forNoKeyUpdate().first('id')
  return (
    (ilpAddress && (await refuseIlpAddress(trx, config, tenantId, ilpAddress.value))) ??
    (base && (await refuseBase(trx, config, tenantId, base.value)))
  )
}

/** An ILP address is one tenant's with all that lies below it, but for the operator's: the others' may lie below that. */
async function refuseIlpAddress(
  trx: Transaction,
  config: ClaimsConfig,
  tenantId: string,
  value: string
): Promise<Failure<'InvalidSetting'> | undefined> {
  const operatorId = config.OPERATOR_TENANT_ID.toLowerCase()
  const isOperator = tenantId === operatorId
  const [scheme] = config.ILP_ADDRESS.split('.')
  if (!value.startsWith(`${scheme}.`)) {
    return failure('InvalidSetting', `ILP_ADDRESS: an address of this node's network is needed: ${scheme}.…`)
  }
  const operators = config.ILP_ADDRESS
  const claimsOperators = value === operators || operators.startsWith(`${value}.`)
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `SELECT 1 FROM (
       SELECT t.id, coalesce(s.value, CASE WHEN t.id = :operatorId THEN :operators ELSE :operators || '.' || t.id END) AS address
       FROM tenants t LEFT JOIN "tenantSettings" s ON s."tenantId" = t.id AND s.key = 'ILP_ADDRESS'
       WHERE t.id <> :tenantId
     ) other
     WHERE address = :value
       OR (starts_with(:value, address || '.') AND id <> :operatorId)
       OR (starts_with(address, :value || '.') AND NOT :isOperator)
     LIMIT 1`,
    { operatorId, operators, tenantId, value, isOperator }
  )
  if (rows.length === 0 && (isOperator || !claimsOperators)) return undefined
  return failure('InvalidSetting', `ILP_ADDRESS: ${value} is another tenant's, or lies above or below one`)
}

/**
 * Wallet addresses of tenants lie below their bases: no base may lie below another's, but for the operator's, nor at
 * the node's own address.
 */
async function refuseBase(
  trx: Transaction,
  config: ClaimsConfig,
  tenantId: string,
  value: string
): Promise<Failure<ClaimFailure> | undefined> {
  const operatorId = config.OPERATOR_TENANT_ID.toLowerCase()
  const key = baseKey(value)
  const duplicate = (reason: string) => failure('DuplicateWalletAddressUrl' as const, reason)
  if (new URL(config.OPEN_PAYMENTS_URL).protocol === 'https:' && new URL(value).protocol !== 'https:') {
    return failure(
      'InvalidSetting',
      'WALLET_ADDRESS_URL: wallet addresses are https here: so must their base be'
    )
  }
  if (tenantId !== operatorId) {
    if (isAtOrBelow(baseKey(config.OPEN_PAYMENTS_URL), key)) {
      return duplicate('OPEN_PAYMENTS_URL is the base of the operator')
    }
    if (basesOverlap(key, baseKey(config.WALLET_ADDRESS_URL))) {
      return duplicate("at, above or below it is the node's own address, by which other nodes know it")
    }
  }
  const taken = await trx<TenantSettingRow>('tenantSettings').where({ key: 'WALLET_ADDRESS_URL' })
  for (const other of taken) {
    const otherKey = baseKey(other.value)
    if (otherKey === key) return duplicate(`${value} is set already`)
    const isOperators = [tenantId, other.tenantId].includes(operatorId)
    if (other.tenantId !== tenantId && !isOperators && basesOverlap(key, otherKey)) {
      return duplicate(`${value} and the base of another tenant lie one below the other`)
    }
  }
  // Below the operator's base are the addresses of all its tenants.
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `SELECT 1 FROM "walletAddresses"
     WHERE "tenantId" <> ? AND (address = ANY (?::text[]) OR (starts_with(address, ?) AND NOT ?)) LIMIT 1`,
    [tenantId, basesAbove(key), `${key}/`, tenantId === operatorId] as never
  )
  return rows.length === 0 ? undefined : duplicate(`${value} overlaps a wallet address of another tenant`)
}

/**
 * Whose a wallet address to be created for a tenant would pass for, where it lies at or below another's base or the
 * node's own address; undefined where it may be created. No base can be set until the transaction ends.
 */
export async function whoseItWouldBe(
  trx: Transaction,
  config: Pick<BackendConfig, 'OPERATOR_TENANT_ID' | 'WALLET_ADDRESS_URL'>,
  tenantId: string,
  address: string
): Promise<string | undefined> {
  const key = baseKey(address)
  if (isAtOrBelow(key, baseKey(config.WALLET_ADDRESS_URL))) return "the node's own address"
  const operatorId = config.OPERATOR_TENANT_ID.toLowerCase()
  await trx('tenants').where({ id: operatorId }).forShare().first('id')
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `SELECT 1 FROM "tenantSettings"
     WHERE key = 'WALLET_ADDRESS_URL' AND "tenantId" NOT IN (?, ?) AND lower(rtrim(value, '/')) = ANY (?::text[])
     LIMIT 1`,
    [tenantId, operatorId, basesAbove(key)] as never
  )
  return rows.length > 0 ? 'the WALLET_ADDRESS_URL of another tenant' : undefined
}
