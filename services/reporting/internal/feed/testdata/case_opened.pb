
$6e0f4b6c-3f0e-4c53-9a0a-6a4b3b2f9d11êê"PHONE*VICTIM