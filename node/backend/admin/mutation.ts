import type { AdminContext } from './context.ts'
import type { Creation } from './creation-claims.ts'
import type { Call } from './idempotency.ts'

interface Keyed {
  idempotencyKey?: string | null
}

/** The resolver of a mutation that does no harm when it runs again: once per idempotency key whose answer is kept. */
export function mutation<Input extends object, Result>(
  operation: string,
  run: (input: Input, context: AdminContext) => Promise<Result>
) {
  return (_parent: unknown, { input }: { input: Input & Keyed }, context: AdminContext): Promise<Result> =>
    context.idempotency.once(callOf(operation, input, context), () => run(input, context))
}

/** The resolver of a mutation that makes something new: under one idempotency key it is made once, whatever dies. */
export function creation<Input extends object, Result>(
  operation: string,
  run: (input: Input, context: AdminContext, creation: Creation) => Promise<Result>
) {
  return (_parent: unknown, { input }: { input: Input & Keyed }, context: AdminContext): Promise<Result> =>
    context.idempotency.createOnce(callOf(operation, input, context), (claimed) =>
      run(input, context, claimed)
    )
}

/** What an earlier call under the key made, or what this one makes. */
export async function madeOnce<Made>(
  { isRepeated }: Creation,
  find: () => Promise<Made | null | undefined> | Made | null | undefined,
  make: () => Promise<Made>
): Promise<Made> {
  return (isRepeated ? await find() : undefined) ?? make()
}

function callOf(operation: string, input: Keyed, { tenant }: AdminContext): Call {
  return { tenantId: tenant.id, operation, key: input.idempotencyKey, input }
}
