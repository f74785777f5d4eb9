import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";

/** A database user's name and password, in the form that RDS keeps its master user's. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Credentials kept in AWS Secrets Manager, always read afresh: passwords rotate while servers run. */
export class Secrets {
  readonly #client: SecretsManagerClient;

  /**
   * @param region the AWS region; the rest comes from the SDK's standard variables
   * @param patience milliseconds that one of the three attempts of a request may take; 5000 by default
   */
  constructor(region: string, patience = 5000) {
    const requestHandler = { connectionTimeout: 2000, requestTimeout: patience, throwOnRequestTimeout: true };
    this.#client = new SecretsManagerClient({ region, maxAttempts: 3, requestHandler });
  }

  /**
   * The credentials in a secret; undefined while it has no value.
   *
   * @throws when the secret does not exist, may not be read, or holds something else
   */
  async read(id: string): Promise<Credentials | undefined> {
    const text = await this.readText(id);
    if (!text) return undefined;
    const { username, password } = parse(text, id);
    if (username === undefined && password === undefined) return undefined;
    if (typeof username !== "string" || typeof password !== "string")
      throw new Error(`The secret ${id} must hold JSON with the strings "username" and "password"`);
    return { username, password };
  }

  /** Gives the secret a new value. */
  async write(id: string, credentials: Credentials): Promise<void> {
    await this.#client.send(new PutSecretValueCommand({ SecretId: id, SecretString: JSON.stringify(credentials) }));
  }

  /** The text of a secret; undefined while it has none. */
  async readText(id: string): Promise<string | undefined> {
    try {
      return (await this.#client.send(new GetSecretValueCommand({ SecretId: id }))).SecretString;
    } catch (error) {
      // Secrets Manager answers so for a secret that has no value yet, too; one that isn't there fails when written.
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }
}

function parse(text: string, id: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // The parser's own message would quote the secret.
    throw new Error(`The secret ${id} does not hold JSON`);
  }
}
