#!/usr/bin/env bash
# moto 5.2.5's server, with boto3 1.44.8: `put_object` and `delete_object` with a stale If-Match, and `put_object` and
# `complete_multipart_upload` with If-None-Match, are refused as S3 refuses them (412). `complete_multipart_upload` with a
# stale If-Match is not looked at: the object is replaced. So a writer that changes from one piece to parts above some size loses
# its protection against a second writer, and a test against moto says that all is well.
# Seen: 412 for the first four; 200 for the last, and the object is the stale writer's.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "moto[server]==5.2.5" boto3==1.44.8
cat > write.py <<'PY'
import sys

import boto3
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

STALE = '"00000000000000000000000000000000"'
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
client = boto3.client(
    "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
)
client.create_bucket(Bucket="things")
AT = {"Bucket": "things", "Key": "a"}


def in_parts(**condition):
    upload = client.create_multipart_upload(**AT)["UploadId"]
    tag = client.upload_part(**AT, PartNumber=1, UploadId=upload, Body=b"stale")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    return client.complete_multipart_upload(**AT, UploadId=upload, MultipartUpload=parts, **condition)


def status(call, **arguments):
    client.put_object(**AT, Body=b"first")
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


found = [
    status(client.put_object, **AT, Body=b"stale", IfMatch=STALE),
    status(client.put_object, **AT, Body=b"stale", IfNoneMatch="*"),
    status(client.delete_object, **AT, IfMatch=STALE),
    status(in_parts, IfNoneMatch="*"),
    status(in_parts, IfMatch=STALE),
]
left = client.get_object(**AT)["Body"].read()
print(found, left)
server.stop()
sys.exit((found, left) != ([412, 412, 412, 412, 200], b"stale"))
PY
venv/bin/python write.py 2> calls.log
