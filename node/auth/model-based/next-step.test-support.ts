import { at, WAIT_MS } from './model.test-support.ts'
import type { Model } from './model.test-support.ts'
import type { Step } from './steps.test-support.ts'

/** What honest parties would do next about a grant: without such steps hardly a history would come to its end. */
export function nextStep(
  model: Model,
  { grant: index, browser, accept }: Extract<Step, { kind: 'go on' }>
): Exclude<Step, { kind: 'go on' }> {
  const grant = at(model.grants, index)
  const another: Exclude<Step, { kind: 'go on' }> = {
    kind: 'ask',
    client: 0,
    tenant: 'operator',
    access: 'outgoing',
    subject: false,
    interact: browser === 0 ? 'finish' : 'silent',
    by: 'own'
  }
  if (!grant || (grant.tenant === 'own' && model.tenantDeleted)) return another
  const { state, interaction } = grant
  if (state === 'PENDING' && interaction && interaction.expiresMs > model.nowMs) {
    const [began] = interaction.browsers
    if (interaction.state !== 'PENDING') {
      // Decided before a browser came: nobody can finish it.
      return began === undefined ? another : { kind: 'finish', grant: index, browser: began, nonce: 'own' }
    }
    if (began === undefined) return { kind: 'start', grant: index, browser, nonce: 'own' }
    return { kind: 'decide', grant: index, secret: 'own', choice: accept ? 'accept' : 'reject' }
  }
  if (state === 'APPROVED' && interaction) {
    if (grant.lastContinuedMs + WAIT_MS > model.nowMs) return { kind: 'wait', ms: WAIT_MS }
    const how = grant.finish ? 'own reference' : 'nothing'
    return { kind: 'continue', grant: index, by: 'own', token: 'own', with: how }
  }
  const token = model.tokens.findIndex((one) => one.grant === grant && !one.revoked)
  if (token >= 0 && browser === 0) return { kind: 'introspect', token, access: 'own' }
  if (token >= 0) return { kind: 'rotate', token, by: 'own', value: 'own' }
  return another
}
