import { parseArgs } from 'node:util'
import { z } from 'zod'
import {
  ConfigurationError,
  createHttpClient,
  createSystemRuntime,
  loadEnvironment
} from '../runtime/index.ts'
import type { HttpClient } from '../runtime/index.ts'
import { createKratosUsers, KratosAdminError } from './app/login/kratos-users.ts'

/*
 * Who may log in to the admin UI where Ory Kratos does that: nobody registers by themselves (facts 9.1).
 *
 *   npm run invite-user -- EMAIL   makes an identity and prints a link, good for 12 h, to set its password
 *   npm run delete-user -- EMAIL   deletes it
 */

const HELP = `npm run invite-user -- EMAIL   makes an account and prints the link, good for 12 h, that its owner sets a password by
npm run delete-user -- EMAIL   deletes an account

KRATOS_ADMIN_URL is where Ory Kratos' admin API is. Exit status: 0 done, 1 refused, 2 wrong use.
`

async function main(args: string[]): Promise<number> {
  const wrongUse = (message: string): number => {
    process.stderr.write(`${message}\n\n${HELP}`)
    return 2
  }
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    strict: false,
    options: { help: { type: 'boolean' } }
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const [command, email, ...more] = positionals
  if (!z.email().safeParse(email).success || more.length > 0) return wrongUse('one e-mail address is needed')
  const url = (await loadEnvironment()).KRATOS_ADMIN_URL
  if (url === undefined || !URL.canParse(url)) return wrongUse('KRATOS_ADMIN_URL is not set, or is no URL')
  const runtime = createSystemRuntime({ name: 'users', logLevel: 'silent' })
  const http = createHttpClient(runtime)
  try {
    return await run(command!, email!, url, http)
  } catch (error) {
    if (!(error instanceof KratosAdminError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  } finally {
    await http.close()
    runtime.kill()
  }
}

async function run(command: string, email: string, url: string, http: HttpClient): Promise<number> {
  const users = createKratosUsers(url, http)
  if (command === 'invite') {
    process.stdout.write(`${await users.invite(email)}\n`)
    return 0
  }
  await users.delete(email)
  process.stdout.write(`${email} was deleted\n`)
  return 0
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof ConfigurationError)) throw error
  process.stderr.write(`${error.message}\n`)
  return 2
})
