import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/**
 * The secret by which CloudFront proves that a request came through it.
 *
 * Secrets Manager makes it, so there is nothing to choose, to leak from a shell or to keep in a config. The value passes
 * through the program, as CloudFront and WAF take it as it is; it is a secret output, which the state keeps encrypted.
 * Servers read it from Secrets Manager: their release, which is plain text, has only its name.
 */
export class FrontSecret extends pulumi.ComponentResource {
  /** ARN, for servers to read it by. */
  readonly arn: pulumi.Output<string>;
  /** The secret itself; secret in the state as well. */
  readonly value: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:media:FrontSecret", name, {}, opts);
    const secret = new aws.secretsmanager.Secret(
      `${name}-front-secret`,
      { description: "Proves to the Chirp servers and their load balancer that a request came through CloudFront" },
      { parent: this },
    );
    const random = aws.secretsmanager.getRandomPasswordOutput(
      { passwordLength: 48, excludePunctuation: true },
      { parent: this },
    );
    const version = new aws.secretsmanager.SecretVersion(
      `${name}-front-secret-value`,
      { secretId: secret.id, secretString: pulumi.secret(random.randomPassword) },
      // A look-up answers something else each time. To change the secret, replace this resource: `pulumi up --replace`.
      { parent: this, ignoreChanges: ["secretString"] },
    );
    this.arn = secret.arn;
    this.value = pulumi.secret(version.secretString.apply((value) => value ?? ""));
    this.registerOutputs({ arn: this.arn });
  }
}
