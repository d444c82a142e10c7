import { failure } from '../model.ts'
import type { Failure } from '../model.ts'
import type { TenantChanges } from './model.ts'
import { urlProblem } from './settings.ts'

/** The longest of a tenant's texts that is no URL. */
export const MAX_TENANT_TEXT_LENGTH = 255

/** What is wrong with a tenant's own values; undefined when nothing is. */
export function checkTenant(values: TenantChanges): Failure<'InvalidTenant'> | undefined {
  for (const name of ['email', 'publicName', 'apiSecret', 'idpSecret'] as const) {
    const text = values[name]
    if (text == null) continue
    if (text.length > MAX_TENANT_TEXT_LENGTH || text.includes('\0')) {
      return failure(
        'InvalidTenant',
        `${name} has at most ${MAX_TENANT_TEXT_LENGTH} characters, none of them NUL`
      )
    }
    if (text === '' && name.endsWith('Secret')) return failure('InvalidTenant', `${name} must not be empty`)
  }
  const problem = values.idpConsentUrl == null ? undefined : urlProblem(values.idpConsentUrl)
  return problem === undefined ? undefined : failure('InvalidTenant', `idpConsentUrl: ${problem}`)
}
