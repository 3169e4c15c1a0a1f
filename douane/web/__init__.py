"""The HTTP side: the application, who asks, and one thin surface per wire protocol. Nothing here opens an uploaded file
or works on columns: an endpoint reads the request, calls the flow, shapes the answer.
"""
