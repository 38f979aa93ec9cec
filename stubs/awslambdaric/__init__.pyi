# Types for awslambdaric 4.2.2, the AWS Lambda Python runtime interface client, which carries none.
#
# For local tools and tests that drive the runtime in their own process: a subclass of
# `lambda_runtime_client.BaseLambdaRuntimeClient` handed to `bootstrap.run`.

__version__: str
