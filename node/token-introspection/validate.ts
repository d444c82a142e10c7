import type { Schema } from './openapi.ts'

/**
 * Holds a JSON value to a schema. Knows the keywords of `Schema` and no others: the package has no dependencies,
 * and a test holds its verdicts to those of a complete validator.
 *
 * @param path where `value` stands, for people: `answer.access[0].type`
 * @returns what is wrong first; undefined where the value is valid
 */
export function findProblem(
  schemas: Readonly<Record<string, Schema>>,
  schema: Schema,
  value: unknown,
  path: string
): string | undefined {
  if ('$ref' in schema) return findProblem(schemas, schemas[schema.$ref.split('/').at(-1)!]!, value, path)
  if ('oneOf' in schema) {
    const problems = schema.oneOf.map((one) => findProblem(schemas, one, value, path))
    const fitting = problems.filter((problem) => problem === undefined).length
    if (fitting === 1) return undefined
    return fitting > 1 ? `${path} is two things at once` : problems.join(', or ')
  }
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string') return `${path} must be a text`
      if (schema.enum && !schema.enum.includes(value))
        return `${path} must be one of ${schema.enum.join(', ')}`
      if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
        return `${path} must match ${schema.pattern}`
      }
      return undefined
    case 'boolean':
      return value === schema.const ? undefined : `${path} must be ${schema.const}`
    case 'integer': {
      const { minimum, maximum } = schema
      const fits = Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
      return fits ? undefined : `${path} must be a whole number from ${minimum} to ${maximum}`
    }
    case 'array': {
      if (!Array.isArray(value)) return `${path} must be a list`
      for (const [index, item] of value.entries()) {
        const problem = findProblem(schemas, schema.items, item, `${path}[${index}]`)
        if (problem !== undefined) return problem
      }
      return undefined
    }
    case 'object':
      return findProblemOfObject(schemas, schema, value, path)
  }
}

function findProblemOfObject(
  schemas: Readonly<Record<string, Schema>>,
  { properties, required = [], additionalProperties }: Extract<Schema, { type: 'object' }>,
  value: unknown,
  path: string
): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${path} must be an object`
  const missing = required.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) return `${path}.${missing} is missing`
  for (const [name, member] of Object.entries(value)) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (schema === undefined) {
      if (additionalProperties === false) return `${path}.${name} is not known`
      continue
    }
    const problem = findProblem(schemas, schema, member, `${path}.${name}`)
    if (problem !== undefined) return problem
  }
  return undefined
}
